import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { builtInPolicies } from "./built-in-policies.ts";
import { parsePolicy } from "./parse-policy.ts";
import type { Listed, PolicyDocument, PolicyKind, PrincipalEntry } from "./policy-document.ts";
import {
  countPolicyCharacters,
  maxBucketPolicyBytes,
  maxPolicyCharacters,
  maxProblems,
  maxQuestionMarks,
  maxTextFactor,
} from "./policy-limits.ts";

const allowAll = { Effect: "Allow", Action: "*", Resource: "*" };
const own = { kind: "bucket", bucketName: "b" } as const;

function documentOf(policy: unknown, kind: PolicyKind = "managed"): PolicyDocument {
  const parsed = parsePolicy(typeof policy === "string" ? policy : JSON.stringify(policy), { kind, bucketName: "b" });
  if (parsed.kind === "problems") throw new Error(JSON.stringify(parsed.problems));
  return parsed.document;
}

function pointersOf(policy: unknown, kind: PolicyKind = "managed"): string[] {
  const parsed = parsePolicy(typeof policy === "string" ? policy : JSON.stringify(policy), { kind, bucketName: "b" });
  return parsed.kind === "problems" ? parsed.problems.map(({ pointer }) => pointer) : [];
}

function warningsOf(policy: unknown, kind: PolicyKind = "managed"): string[] {
  const parsed = parsePolicy(JSON.stringify(policy), { kind, bucketName: "b" });
  return parsed.kind === "document" ? parsed.warnings.map(({ pointer }) => pointer) : ["refused"];
}

/** A policy of one statement that differs from `allowAll`. */
function withStatement(statement: object): object {
  return { Version: "2012-10-17", Statement: { ...allowAll, ...statement } };
}

describe("parsePolicy", () => {
  test("one statement or many, one value or many: one form", () => {
    const statement = {
      Sid: "S1",
      Effect: "Deny",
      NotPrincipal: { AWS: ["111111111111", "arn:aws:iam::111111111111:user/a/b"], CanonicalUser: "a".repeat(64) },
      NotAction: ["s3:GetObject"],
      NotResource: "arn:aws:s3:::b/*",
      Condition: { "ForAnyValue:StringLikeIfExists": { "AWS:tagkeys": ["a", 1, true] } },
    };
    const { version, id, statements } = documentOf({ Version: "2012-10-17", Id: "x", Statement: statement }, "bucket");
    expect({ version, id }).toEqual({ version: "2012-10-17", id: "x" });
    expect(statements).toEqual([
      {
        sid: "S1",
        effect: "Deny",
        principal: {
          negated: true,
          items: [
            { type: "AWS", value: "111111111111" },
            { type: "AWS", value: "arn:aws:iam::111111111111:user/a/b" },
            { type: "CanonicalUser", value: "a".repeat(64) },
          ],
        },
        action: { negated: true, items: ["s3:GetObject"] },
        resource: { negated: true, items: ["arn:aws:s3:::b/*"] },
        conditions: [
          {
            quantifier: "ForAnyValue",
            operator: "StringLike",
            ifExists: true,
            key: "aws:TagKeys",
            values: ["a", "1", "true"],
          },
        ],
      },
    ]);
    expect(documentOf({ Statement: [allowAll, allowAll] })).toMatchObject({ version: "2008-10-17", id: undefined });
  });

  test("Principal: everyone in both spellings, services, and none in identity policies", () => {
    const everyone: Listed<PrincipalEntry> = { negated: false, items: [{ type: "AWS", value: "*" }] };
    for (const Principal of ["*", { AWS: "*" }]) {
      expect(
        documentOf(withStatement({ Principal, Resource: "arn:aws:s3:::b" }), "bucket").statements[0]?.principal,
      ).toEqual(everyone);
    }
    const trust = {
      Statement: { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "s3.amazonaws.com" } },
    };
    expect(documentOf(trust, "trust").statements[0]?.resource).toBeUndefined();
    expect(documentOf(withStatement({})).statements[0]?.principal).toBeUndefined();
  });

  test.each(builtInPolicies.map(({ name, text }) => [name, text]))("built-in %s: parses", (_, text) => {
    expect(parsePolicy(text, { kind: "managed" })).toMatchObject({ kind: "document" });
  });

  test.each<[pointer: string, policy: unknown]>([
    ["", []],
    ["", "null"],
    ["", "{"],
    ["", ""],
    ["", {}],
    ["", `{"Statement":[],}`],
    ["/Statement", { Statement: [] }],
    ["/Statement", { Statement: "x" }],
    ["/Statement/0", { Statement: [null] }],
    ["/Version", { Version: "2012-10-18", Statement: allowAll }],
    ["/Version", { Version: 2012, Statement: allowAll }],
    ["/Id", { Id: 1, Statement: allowAll }],
    ["/id", { id: "x", Statement: allowAll }],
    ["/Statement", `{"Statement":[],"Statement":[]}`],
    ["/Statement/Action", `{"Statement":{"Effect":"Allow","Resource":"*","Action":"*","Action":"*"}}`],
    ["/Statement/Principle", withStatement({ Principle: "*" })],
    ["/Statement/Effect", withStatement({ Effect: "allow" })],
    ["/Statement", withStatement({ Effect: undefined })],
    ["/Statement", withStatement({ Action: undefined })],
    ["/Statement", withStatement({ Resource: undefined })],
    ["/Statement", withStatement({ NotAction: "*" })],
    ["/Statement", withStatement({ NotResource: "*" })],
    ["/Statement/Action", withStatement({ Action: [] })],
    ["/Statement/Action/1", withStatement({ Action: ["*", 7] })],
    ["/Statement/Action", withStatement({ Action: "s3" })],
    ["/Statement/Action", withStatement({ Action: "s*:Get" })],
    ["/Statement/Action", withStatement({ Action: "ec2:RunInstances" })],
    ["/Statement/Action", withStatement({ Action: "s3:" })],
    ["/Statement/Resource", withStatement({ Resource: [] })],
    ["/Statement/Resource", withStatement({ Resource: "b/*" })],
    ["/Statement/Resource", withStatement({ Resource: "arn:aws:s3:::" + "b/$" + "{aws:moon}" })],
    ["/Statement/Resource", withStatement({ Resource: "arn:aws:s3:::" + "b/$" + "{aws:username" })],
    ["/Statement/Resource", withStatement({ Resource: "arn:aws:s3:::" + "b/$" + "{aws:TagKeys}" })],
    ["/Statement/Resource", withStatement({ Resource: "arn:aws:*:::b" })],
    ["/Statement/Resource", withStatement({ Resource: "arn:aws:ec2:::b" })],
    ["/Statement/Resource", withStatement({ Resource: "arn:minio:s3:::b" })],
    ["/Statement/Principal", withStatement({ Principal: "*" })],
    ["/Statement/Sid", withStatement({ Sid: "a b" })],
    [
      "/Statement/1/Sid",
      {
        Statement: [
          { ...allowAll, Sid: "a" },
          { ...allowAll, Sid: "a" },
        ],
      },
    ],
    ["/Statement/Condition", withStatement({ Condition: [] })],
    ["/Statement/Condition/StringIs", withStatement({ Condition: { StringIs: { "aws:username": "a" } } })],
    ["/Statement/Condition/NullIfExists", withStatement({ Condition: { NullIfExists: { "aws:username": "true" } } })],
    [
      "/Statement/Condition/ForAnyValue:Null",
      withStatement({ Condition: { "ForAnyValue:Null": { "aws:TagKeys": "true" } } }),
    ],
    ["/Statement/Condition/Bool", withStatement({ Condition: { Bool: {} } })],
    ["/Statement/Condition/Bool/aws:moon", withStatement({ Condition: { Bool: { "aws:moon": "true" } } })],
    [
      "/Statement/Condition/Bool/aws:SecureTransport",
      withStatement({ Condition: { Bool: { "aws:SecureTransport": [] } } }),
    ],
    [
      "/Statement/Condition/Bool/aws:SecureTransport",
      withStatement({ Condition: { Bool: { "aws:SecureTransport": "yes" } } }),
    ],
    [
      "/Statement/Condition/Bool/aws:SecureTransport",
      withStatement({ Condition: { Bool: { "aws:SecureTransport": null } } }),
    ],
    [
      "/Statement/Condition/Null/AWS:Username",
      withStatement({ Condition: { Null: { "aws:username": "true", "AWS:Username": "true" } } }),
    ],
    [
      "/Statement/Condition/IpAddress/aws:SourceIp/1",
      withStatement({ Condition: { IpAddress: { "aws:SourceIp": ["10.0.0.0/8", "10.0.0.0/33"] } } }),
    ],
    [
      "/Statement/Condition/NumericEquals/s3:max-keys",
      withStatement({ Condition: { NumericEquals: { "s3:max-keys": "1e3" } } }),
    ],
    [
      "/Statement/Condition/DateEquals/aws:CurrentTime",
      withStatement({ Condition: { DateEquals: { "aws:CurrentTime": "2026" } } }),
    ],
    [
      "/Statement/Condition/ArnLike/aws:SourceArn",
      withStatement({ Condition: { ArnLike: { "aws:SourceArn": "bob" } } }),
    ],
    [
      "/Statement/Condition/BinaryEquals/s3:prefix",
      withStatement({ Condition: { BinaryEquals: { "s3:prefix": "a" } } }),
    ],
    [
      "/Statement/Condition/StringEquals/aws:ResourceTag~1a~0b",
      `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a~b":null}}}}`,
    ],
  ])("refuses at %j: %j", (pointer, policy) => {
    expect(pointersOf(policy)).toContain(pointer);
  });

  test.each<[pointer: string, statement: object]>([
    ["/Statement", { Principal: undefined }],
    ["/Statement/Principal", { Principal: null }],
    ["/Statement/Principal", { Principal: "bob" }],
    ["/Statement/Principal", { Principal: {} }],
    ["/Statement/Principal/AWS", { Principal: { AWS: [] } }],
    ["/Statement/Principal/AWS", { Principal: { AWS: "arn:aws:iam::111111111111:user/*" } }],
    ["/Statement/Principal/User", { Principal: { User: "*" } }],
    ["/Statement/Principal/Service", { Principal: { Service: "ec2.amazonaws.com" } }],
    ["/Statement/NotPrincipal", { Principal: undefined, NotPrincipal: "*" }],
    ["/Statement", { NotPrincipal: "*" }],
    ["/Statement/Action", { Action: "iam:GetUser" }],
    ["/Statement/Resource", { Resource: "*" }],
    ["/Statement/Resource", { Resource: "arn:aws:s3:::*" }],
    ["/Statement/Resource", { Resource: "arn:aws:s3:::bb" }],
    ["/Statement/Resource/1", { Resource: ["arn:aws:s3:::b/*", "arn:aws:s3:::a/b"] }],
  ])("bucket policy: refuses at %j: %j", (pointer, statement) => {
    const policy = withStatement({ Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::b*", ...statement });
    expect(pointersOf(policy, "bucket")).toContain(pointer);
    expect(
      pointersOf(withStatement({ Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::b*" }), "bucket"),
    ).toEqual([]);
  });

  test("trust policy: no resource, actions of sts", () => {
    const trust = { Effect: "Allow", Principal: { AWS: "111111111111" }, Action: "sts:AssumeRole", Condition: {} };
    expect(pointersOf({ Statement: trust }, "trust")).toEqual([]);
    expect(pointersOf({ Statement: { ...trust, Resource: "*" } }, "trust")).toEqual(["/Statement/Resource"]);
    expect(pointersOf({ Statement: { ...trust, Action: "s3:*" } }, "trust")).toEqual(["/Statement/Action"]);
    expect(pointersOf({ Statement: { ...trust, Principal: undefined } }, "trust")).toEqual(["/Statement"]);
  });

  test("warnings: legal, and most likely not meant", () => {
    const condition = (operator: string, key: string) => withStatement({ Condition: { [operator]: { [key]: "1" } } });
    expect(warningsOf(withStatement({ Action: "s3:GetObjekt" }))).toEqual(["/Statement/Action"]);
    expect(warningsOf(withStatement({ Action: "s3:Gett*" }))).toEqual(["/Statement/Action"]);
    expect(warningsOf(condition("StringEquals", "aws:SourceVpc"))).toHaveLength(1);
    expect(warningsOf(condition("StringEquals", "aws:TagKeys"))).toHaveLength(1);
    expect(warningsOf(condition("ForAllValues:StringEquals", "s3:prefix"))).toHaveLength(1);
    expect(warningsOf(condition("NumericEquals", "aws:SourceIp"))).toHaveLength(1);
    expect(warningsOf(condition("NumericEquals", "s3:max-keys"))).toEqual([]);
    expect(warningsOf(condition("ForAnyValue:StringEquals", "aws:TagKeys"))).toEqual([]);
  });

  test("version 2008-10-17: a variable is plain text", () => {
    const Resource = "arn:aws:s3:::b/$" + "{aws:moon}";
    expect(pointersOf({ Version: "2008-10-17", Statement: { ...allowAll, Resource } })).toEqual([]);
  });
});

describe("limits", () => {
  /** A policy of `count` characters without white space, or bytes. */
  function sized(statement: object, count: number): string {
    const text = JSON.stringify({ Id: "", Statement: statement });
    return text.replace(`"Id":""`, `"Id":"${"x".repeat(count - text.length)}"`);
  }

  test.each(Object.entries(maxPolicyCharacters))("%s: %d characters, white space free", (kind, limit) => {
    const isTrust = kind === "trust";
    const trust = { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" };
    const fits = sized(isTrust ? trust : allowAll, limit);
    const place = { kind: kind as Exclude<PolicyKind, "bucket"> };
    expect(parsePolicy(`${fits} \t\r\n`, place).kind).toBe("document");
    expect(parsePolicy(sized(isTrust ? trust : allowAll, limit + 1), place).kind).toBe("problems");
  });

  test("bucket: bytes, white space too", () => {
    const statement = { Effect: "Allow", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::b" };
    const fits = sized(statement, maxBucketPolicyBytes);
    expect(parsePolicy(fits, own).kind).toBe("document");
    expect(parsePolicy(`${fits} `, own).kind).toBe("problems");
    expect(parsePolicy(fits.replace("xx", "é"), own).kind).toBe("document");
    expect(parsePolicy(fits.replace("x", "é"), own).kind).toBe("problems");
  });

  test.each(Object.entries(maxPolicyCharacters))("%s: white space is free up to a multiple", (kind, characters) => {
    const principal = kind === "trust" ? { Principal: "*", Action: "sts:AssumeRole" } : { Action: "*", Resource: "*" };
    const text = JSON.stringify({ Statement: { Effect: "Allow", ...principal } });
    const padding = " ".repeat(characters * maxTextFactor - text.length);
    const parsed = (given: string) => parsePolicy(given, { kind: kind as keyof typeof maxPolicyCharacters }).kind;
    expect([parsed(text + padding), parsed(`${text + padding} `)]).toEqual(["document", "problems"]);
  });

  test("countPolicyCharacters: white space is free, for sums over an identity too", () => {
    expect(countPolicyCharacters(' {"a" :\t"é b"}\r\n')).toBe('{"a":"éb"}'.length);
  });

  test("maxQuestionMarks: over the whole policy", () => {
    const Resource = (count: number) => `arn:aws:s3:::${"?".repeat(count)}`;
    const half = maxQuestionMarks / 2;
    expect(pointersOf({ Statement: [{ ...allowAll, Resource: [Resource(half), Resource(half)] }] })).toEqual([]);
    expect(pointersOf({ Statement: [{ ...allowAll, Resource: [Resource(half), Resource(half + 1)] }] })).toEqual([""]);
  });

  test("maxProblems: no more are reported", () => {
    expect(pointersOf({ Statement: new Array(maxProblems + 5).fill(1) })).toHaveLength(maxProblems);
  });
});

describe("fuzz", () => {
  const seed = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "a",
        ...allowAll,
        Condition: { "ForAnyValue:StringLikeIfExists": { "aws:TagKeys": ["$" + "{aws:userid, 'x'}"] } },
      },
    ],
  });

  test("any text: a document or problems, never an exception", () => {
    const garbage = fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.json());
    fc.assert(fc.property(garbage, (text) => ["document", "problems"].includes(parsePolicy(text, own).kind)));
  });

  test("a policy with changed characters: a document or problems, and a document survives JSON", () => {
    const edit = fc.tuple(
      fc.nat(seed.length),
      fc.nat(3),
      fc.constantFrom("", '"', "\\", "{", "}", "[", "]", ":", ",", "$", "*", "\u0000", "é", "Ω"),
    );
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 4 }), (edits) => {
        let text = seed;
        for (const [at, cut, put] of edits) text = text.slice(0, at) + put + text.slice(at + cut);
        const parsed = parsePolicy(text, { kind: "managed" });
        if (parsed.kind === "problems") expect(parsed.problems.length).toBeGreaterThan(0);
        else expect(JSON.parse(text)).toBeObject();
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["nesting", "[".repeat(6000)],
    ["names", `{${Array.from({ length: 500 }, (_, index) => `"${index}":0`).join()}}`],
    ["escapes", `"${"\\u0041".repeat(1000)}`],
    ["digits", "9".repeat(6000)],
    ["braces", JSON.stringify(withStatement({ Resource: `arn:aws:s3:::${"${".repeat(1000)}` }))],
    ["spaces in a variable", JSON.stringify(withStatement({ Resource: `arn:aws:s3:::\${${" ".repeat(5000)}` }))],
    ["colons", JSON.stringify(withStatement({ Resource: ":".repeat(5000) }))],
    ["slashes", JSON.stringify(withStatement({ Condition: { Bool: { ["a.b/".repeat(1200)]: "true" } } }))],
  ])("hostile %s: refused", (_, text) => {
    expect(parsePolicy(text, { kind: "managed" }).kind).toBe("problems");
  });
});
