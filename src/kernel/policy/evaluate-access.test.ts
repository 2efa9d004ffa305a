import { describe, expect, test } from "bun:test";
import { builtInPolicies, findBuiltInPolicy } from "./built-in-policies.ts";
import { type CompiledPolicy, compilePolicy, compilePolicyText, denyEverything } from "./compile-policy.ts";
import { evaluateAccess, type NarrowingLayer, type PolicySets, type ResourceGrants } from "./evaluate-access.ts";
import type { AccessRequest } from "./evaluate-statement.ts";
import { explainAccess } from "./explain-access.ts";
import type { PolicyKind } from "./policy-document.ts";
import type { Caller } from "./principal.ts";

const own = "111111111111";
const foreign = "222222222222";
const annArn = `arn:aws:iam::${own}:user/ann`;
const ann: Caller = { kind: "user", accountId: own, canonicalId: "c", userId: "AIDAA", arn: annArn, global: false };
const anonymous: Caller = { kind: "anonymous" };
const allowAll = { Effect: "Allow", Action: "*", Resource: "*" };
const denyAll = { Effect: "Deny", Action: "*", Resource: "*" };
const allowGet = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*" };
const bucketAllow = (AWS: string) => ({ ...allowGet, Principal: { AWS } });

function policy(name: string, statement: object, kind: PolicyKind = "managed"): CompiledPolicy {
  const text = JSON.stringify({ Version: "2012-10-17", Statement: statement });
  const compiled = compilePolicyText(text, { kind }, { name });
  expect(compiled.statements[0]?.ref.index).toBe(0);
  return compiled;
}

function bucket(statement: object | undefined, changes: Partial<ResourceGrants> = {}): ResourceGrants {
  return {
    layer: "bucketPolicy",
    policy: statement && policy("bucket", statement, "bucket"),
    isPublic: false,
    opensObject: true,
    aclAllows: false,
    restrictsPublic: false,
    ...changes,
  };
}

function link(layer: NarrowingLayer, ...statements: object[]) {
  return { layer, policies: statements.map((statement) => policy(layer, statement)) };
}

function request(caller: Caller, changes: Partial<AccessRequest> = {}, account = own): AccessRequest {
  const resource = { partition: "aws", service: "s3", region: "", account, path: "b/k", plainName: true };
  return { action: "s3:GetObject", resource, caller, values: new Map(), ...changes };
}

const none: PolicySets = { narrowing: [], identity: [], resource: undefined };
const identity = [policy("p", allowGet)];

/** Outcome and layer. */
function decide(asked: AccessRequest, sets: Partial<PolicySets>): string {
  const { outcome, layer } = evaluateAccess(asked, { ...none, ...sets });
  return `${outcome} ${layer}`;
}

describe("order of a decision", () => {
  test("nothing: denied", () => {
    expect(decide(request(ann), {})).toBe("implicitDeny identityPolicy");
    expect(decide(request(anonymous), {})).toBe("implicitDeny identityPolicy");
    expect(decide(request(anonymous), { resource: bucket(undefined) })).toBe("implicitDeny bucketPolicy");
  });

  test("own account: identity policy, bucket policy naming the identity, or ACL", () => {
    expect(decide(request(ann), { identity })).toBe("allow identityPolicy");
    expect(decide(request(ann), { resource: bucket(bucketAllow(annArn)) })).toBe("allow bucketPolicy");
    expect(decide(request(ann), { resource: bucket(bucketAllow("*")) })).toBe("allow bucketPolicy");
    expect(decide(request(ann), { resource: bucket(undefined, { aclAllows: true }) })).toBe("allow acl");
    expect(decide(request(ann), { resource: bucket(bucketAllow(own)) })).toBe("implicitDeny identityPolicy");
    expect(decide(request(ann), { identity, resource: bucket(bucketAllow(foreign)) })).toBe("allow identityPolicy");
  });

  test("foreign account: identity policy and one of bucket policy and ACL", () => {
    const asked = request(ann, {}, foreign);
    expect(decide(asked, { identity })).toBe("implicitDeny identityPolicy");
    expect(decide(asked, { identity, resource: bucket(undefined) })).toBe("implicitDeny bucketPolicy");
    expect(decide(asked, { resource: bucket(bucketAllow(annArn)) })).toBe("implicitDeny identityPolicy");
    for (const named of [annArn, own, "*"]) {
      expect(decide(asked, { identity, resource: bucket(bucketAllow(named)) })).toBe("allow bucketPolicy");
    }
    expect(decide(asked, { identity, resource: bucket(undefined, { aclAllows: true }) })).toBe("allow acl");
  });

  test("anonymous: bucket policy or ACL", () => {
    expect(decide(request(anonymous), { resource: bucket(bucketAllow("*")) })).toBe("allow bucketPolicy");
    expect(decide(request(anonymous), { resource: bucket(bucketAllow(own)) })).toBe("implicitDeny bucketPolicy");
    expect(decide(request(anonymous), { resource: bucket(undefined, { aclAllows: true }) })).toBe("allow acl");
  });

  test("an explicit deny anywhere beats every allow, ACLs too", () => {
    const all = { identity, resource: bucket(bucketAllow("*"), { aclAllows: true }) };
    expect(decide(request(ann), all)).toBe("allow identityPolicy");
    for (const layer of ["sessionPolicy", "keyPolicy", "boundary"] as const) {
      const narrowing = [link(layer, [allowAll, denyAll])];
      expect(decide(request(ann), { ...all, narrowing })).toBe(`explicitDeny ${layer}`);
    }
    expect(decide(request(ann), { ...all, identity: [...identity, policy("d", denyAll)] })).toBe(
      "explicitDeny identityPolicy",
    );
    const denied = bucket(
      { ...denyAll, Action: "s3:*", Resource: "arn:aws:s3:::b/*", Principal: "*" },
      { aclAllows: true, opensObject: false },
    );
    expect(decide(request(ann), { ...all, resource: denied })).toBe("explicitDeny bucketPolicy");
    expect(decide(request(anonymous), { resource: denied })).toBe("explicitDeny bucketPolicy");
  });

  test("narrowing: every link must allow, and no grant skips one", () => {
    const asked = request(ann);
    const resource = bucket(bucketAllow(annArn), { aclAllows: true });
    const put = { ...allowAll, Action: "s3:PutObject" };
    for (const layer of ["sessionPolicy", "keyPolicy", "boundary"] as const) {
      expect(decide(asked, { identity, resource, narrowing: [link(layer, put)] })).toBe(`implicitDeny ${layer}`);
      expect(decide(asked, { identity, resource, narrowing: [link(layer)] })).toBe(`implicitDeny ${layer}`);
      expect(decide(asked, { identity, narrowing: [link(layer, put, allowGet)] })).toBe("allow identityPolicy");
      expect(decide(asked, { narrowing: [link(layer, allowAll)] })).toBe("implicitDeny identityPolicy");
    }
    const chain = [link("sessionPolicy", allowAll), link("boundary", put)];
    expect(decide(asked, { identity, narrowing: chain })).toBe("implicitDeny boundary");
  });

  test("public access: a restricted public policy lets only the owner's account in", () => {
    const resource = bucket(bucketAllow("*"), { isPublic: true, restrictsPublic: true });
    expect(decide(request(anonymous), { resource })).toBe("implicitDeny publicAccessBlock");
    expect(decide(request(ann, {}, foreign), { identity, resource })).toBe("implicitDeny publicAccessBlock");
    expect(decide(request(ann), { resource })).toBe("allow bucketPolicy");
    expect(decide(request({ kind: "service", name: "s3.amazonaws.com" }), { resource })).toBe("allow bucketPolicy");
    expect(decide(request(anonymous), { resource: { ...resource, isPublic: false } })).toBe("allow bucketPolicy");
    expect(decide(request(anonymous), { resource: { ...resource, aclAllows: true } })).toBe("allow acl");
  });

  test("a bucket policy opens no foreign object", () => {
    const resource = bucket(bucketAllow("*"), { opensObject: false });
    expect(decide(request(anonymous), { resource })).toBe("implicitDeny bucketPolicy");
  });

  test("trust policy: required, and enough only when it names the caller", () => {
    const resource = { partition: "aws", service: "iam", region: "", account: own, path: "role/r", plainName: false };
    const asked = (account = own) => request(ann, { action: "sts:AssumeRole", resource: { ...resource, account } });
    const trust = (AWS: string) => {
      const statement = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS } };
      return bucket(undefined, { layer: "trustPolicy", policy: policy("t", statement, "trust") });
    };
    const assume = [policy("p", { Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" })];
    expect(decide(asked(), { resource: trust(annArn) })).toBe("allow trustPolicy");
    expect(decide(asked(), { resource: trust(own) })).toBe("implicitDeny trustPolicy");
    expect(decide(asked(), { resource: trust(own), identity: assume })).toBe("allow trustPolicy");
    expect(decide(asked(), { resource: trust(foreign), identity: assume })).toBe("implicitDeny trustPolicy");
    expect(decide(asked(foreign), { resource: trust(annArn) })).toBe("implicitDeny identityPolicy");
    expect(decide(asked(foreign), { resource: trust(own), identity: assume })).toBe("allow trustPolicy");
  });

  test("actions on the whole server: the flag beside the policy", () => {
    const resource = {
      partition: "aws",
      service: "maxiofs",
      region: "",
      account: own,
      path: "settings/x",
      plainName: false,
    };
    const all = [policy("p", allowAll)];
    const asked = (caller: Caller, action: string) => request(caller, { action, resource });
    expect(decide(asked(ann, "maxiofs:UpdateSettings"), { identity: all })).toBe("implicitDeny flag");
    expect(decide(asked(ann, "maxiofs:ReadAudit"), { identity: all })).toBe("allow identityPolicy");
    const global = { ...ann, global: true };
    expect(decide(asked(global, "maxiofs:UpdateSettings"), { identity: all })).toBe("allow identityPolicy");
    expect(decide(asked(global, "maxiofs:UpdateSettings"), {})).toBe("implicitDeny identityPolicy");
  });
});

describe("fail closed", () => {
  test("a policy that cannot be read denies everything", () => {
    for (const text of ["", "{", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Extra":1}}`]) {
      const broken = compilePolicyText(text, { kind: "managed" }, { name: "broken" });
      const decision = evaluateAccess(request(ann), { ...none, identity: [policy("p", allowAll), broken] });
      expect(decision).toEqual({
        outcome: "explicitDeny",
        layer: "identityPolicy",
        by: { policy: "broken", index: -1, sid: undefined },
      });
    }
    const resource = bucket(undefined, { policy: denyEverything("bucket"), aclAllows: true });
    expect(decide(request(anonymous), { resource })).toBe("explicitDeny bucketPolicy");
  });

  test.each([
    ["an operator", { operator: "StringSounds", key: "aws:username" }],
    ["a key", { operator: "StringEquals", key: "aws:Moon" }],
  ])("%s unknown here: an Allow does not match, a Deny does", (_, { operator, key }) => {
    const compiled = (effect: "Allow" | "Deny") =>
      compilePolicy(
        {
          version: "2012-10-17",
          id: undefined,
          statements: [
            {
              sid: undefined,
              effect,
              principal: undefined,
              action: { negated: false, items: ["*"] },
              resource: { negated: false, items: ["*"] },
              conditions: [{ quantifier: undefined, operator, ifExists: true, key, values: ["x"] }],
            },
          ],
        },
        { name: effect },
      );
    expect(decide(request(ann), { identity: [compiled("Allow")] })).toBe("implicitDeny identityPolicy");
    expect(decide(request(ann), { identity: [...identity, compiled("Deny")] })).toBe("explicitDeny identityPolicy");
  });

  test("a variable without value: matches nothing; left out of NotResource, it allows nothing and denies", () => {
    const home = "arn:aws:s3:::b/$" + "{aws:username}*";
    const one = (statement: object) => ({ identity: [...identity, policy("v", statement)] });
    expect(decide(request(ann), { identity: [policy("v", { ...allowAll, Resource: home })] })).toBe(
      "implicitDeny identityPolicy",
    );
    expect(decide(request(ann), one({ ...denyAll, Resource: home }))).toBe("allow identityPolicy");
    const not = { Resource: undefined, NotResource: home };
    expect(decide(request(ann), { identity: [policy("v", { ...allowAll, ...not })] })).toBe(
      "implicitDeny identityPolicy",
    );
    expect(decide(request(ann), one({ ...denyAll, ...not }))).toBe("explicitDeny identityPolicy");
    const values = new Map([["aws:username", "k"]]);
    expect(decide(request(ann, { values }), one({ ...denyAll, ...not }))).toBe("allow identityPolicy");
    expect(decide(request(ann, { values }), { identity: [policy("v", { ...allowAll, Resource: home })] })).toBe(
      "allow identityPolicy",
    );
  });
});

describe("resources", () => {
  test.each([
    ["arn:aws:s3:::b/*", own, true, true],
    ["arn:aws:s3:::b/*", foreign, true, true],
    ["arn:aws:s3:::b/*", own, false, false],
    [`arn:aws:s3::${own}:b/*`, own, false, true],
    [`arn:aws:s3::${own}:b/*`, foreign, true, false],
    ["arn:aws:s3::*:b/*", foreign, false, true],
    ["arn:aws:s3:::b", own, true, false],
    ["arn:aws:s3:::B/*", own, true, false],
    ["*", own, false, true],
  ] as const)("%s, owner %s, plain name %p: %p", (...[pattern, account, plainName, wanted]) => {
    const asked = request(ann, {}, account);
    const narrowing = [link("boundary", { ...allowAll, Resource: pattern })];
    const sets = { identity: [policy("p", allowAll)], narrowing, resource: bucket(bucketAllow("*")) };
    const { outcome } = evaluateAccess({ ...asked, resource: { ...asked.resource, plainName } }, { ...none, ...sets });
    expect(outcome === "allow").toBe(wanted);
  });

  test("a key with colons, stars and dollars is text", () => {
    const asked = request(ann);
    const at = (path: string) => ({ ...asked, resource: { ...asked.resource, path } });
    const sets = { identity: [policy("p", { ...allowGet, Resource: "arn:aws:s3:::b/a:b:$" + "{*}" })] };
    expect(decide(at("b/a:b:*"), sets)).toBe("allow identityPolicy");
    expect(decide(at("b/a:b:c"), sets)).toBe("implicitDeny identityPolicy");
  });
});

test.each([
  ["arn:aws:s3:::b", ["b"]],
  ["arn:aws:s3:::b/*", ["b/", "b/k"]],
  ["arn:aws:s3:::b*", ["b", "bb", "b/", "b/k", "bb/k"]],
  ["arn:aws:s3:::b*k", ["b/k", "bb/k"]],
  ["arn:aws:s3:::?b/*", ["bb/k"]],
  ["arn:aws:s3:::b$" + "{s3:delimiter, 'b'}/*", ["bb/k"]],
  ["arn:aws:s3:::*", ["*", "b", "bb", "b/", "b/k", "bb/k"]],
  ["arn:aws:s3:::*/k", ["b/k", "bb/k"]],
  ["arn:aws:iam:::b", []],
])("resources: %s fits %j, whatever else the policy is about", (Resource, wanted) => {
  const bystanders = ["arn:aws:s3:::b", "arn:aws:s3:::bb/*", "*"].map((other) => ({
    ...denyAll,
    Action: "iam:*",
    Resource: other,
  }));
  const identity = [policy("p", [...bystanders, { ...allowGet, Resource: [Resource, "arn:aws:s3:::x/y"] }])];
  const fits = ["*", "b", "bb", "b/", "b/k", "bb/k"].filter((path) => {
    const asked = request(ann);
    return decide({ ...asked, resource: { ...asked.resource, path } }, { identity }) === "allow identityPolicy";
  });
  expect(fits).toEqual(wanted);
});

test("actions: in any case, and remembered only by the catalogue's name", () => {
  const mixed = policy("p", { ...allowAll, Action: "S3:getobject" });
  for (const action of ["s3:GetObject", "s3:GetObject", "s3:GETOBJECT"]) {
    expect(decide(request(ann, { action }), { identity: [mixed] })).toBe("allow identityPolicy");
  }
  expect(decide(request(ann, { action: "s3:Invented" }), { identity: [mixed] })).toBe("implicitDeny identityPolicy");
  expect([...mixed.byAction.keys()]).toEqual(["s3:GetObject"]);
});

describe("explainAccess", () => {
  test("says which elements did not fit, what was missing, and what would help", () => {
    const condition = { StringEquals: { "aws:username": "bo" }, Bool: { "aws:SecureTransport": "true" } };
    const sets = {
      ...none,
      identity: [
        policy("p", [
          { ...allowGet, Sid: "Near", Condition: condition },
          { ...allowGet, Resource: "arn:aws:s3:::c" },
          { ...allowAll, Action: "iam:*" },
        ]),
      ],
    };
    const explained = explainAccess(request(ann, { values: new Map([["aws:username", "ann"]]) }), sets);
    expect(explained.decision.outcome).toBe("implicitDeny");
    expect(explained.statements).toHaveLength(2);
    expect(explained.statements[0]).toEqual({
      layer: "identityPolicy",
      ref: { policy: "p", index: 0, sid: "Near" },
      effect: "Allow",
      applies: false,
      misses: ["condition"],
      conditions: [
        { key: "aws:username", outcome: "fails", seen: "ann" },
        { key: "aws:SecureTransport", outcome: "fails", seen: undefined },
      ],
    });
    expect(explained.statements[1]?.misses).toEqual(["resource"]);
    expect(explained.missingKeys).toEqual(["aws:SecureTransport"]);
    expect(explained.suggestion).toEqual({
      layer: "identityPolicy",
      statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k" },
    });
  });

  test("suggestion: added to its layer, it allows; an explicit deny has none", () => {
    const path = "b/a*$" + "{x}?";
    const asked = request(anonymous, { resource: { ...request(ann).resource, path } });
    const { suggestion } = explainAccess(asked, { ...none, resource: bucket(undefined) });
    expect(suggestion?.layer).toBe("bucketPolicy");
    const resource = bucket(suggestion?.statement);
    expect(decide(asked, { resource })).toBe("allow bucketPolicy");
    const other = { ...asked, resource: { ...asked.resource, path: "b/abc$" + "{x}d" } };
    expect(decide(other, { resource })).toBe("implicitDeny bucketPolicy");
    const denied = explainAccess(request(ann), { ...none, identity: [policy("d", denyAll)] });
    expect(denied.suggestion).toBeUndefined();
    expect(denied.statements[0]).toMatchObject({ effect: "Deny", applies: true, misses: [] });
  });
});

describe("built-in policies", () => {
  const allowed = (name: string, action: string, resource: Partial<AccessRequest["resource"]> = {}) => {
    const text = findBuiltInPolicy(name)?.text ?? "";
    const compiled = compilePolicyText(text, { kind: "managed" }, { name });
    const base = request(ann, { action, values: new Map([["aws:username", "ann"]]) });
    const asked = { ...base, resource: { ...base.resource, ...resource } };
    return evaluateAccess(asked, { ...none, identity: [compiled] }).outcome === "allow";
  };

  test.each([
    ["readwrite", "s3:PutObject", "iam:GetUser"],
    ["AmazonS3FullAccess", "s3:DeleteBucket", "maxiofs:ReadAudit"],
    ["readonly", "s3:GetObject", "s3:PutObject"],
    ["AmazonS3ReadOnlyAccess", "s3:ListBucket", "s3:DeleteObject"],
    ["writeonly", "s3:PutObject", "s3:GetObject"],
    ["consoleAdmin", "iam:CreateUser", "maxiofs:CreateTenant"],
    ["AdministratorAccess", "s3:PutBucketPolicy", "maxiofs:UpdateSettings"],
    ["IAMFullAccess", "iam:PutUserPolicy", "s3:ListBucket"],
    ["diagnostics", "maxiofs:ReadMetrics", "s3:GetObject"],
    ["auditor", "s3:GetBucketPolicy", "s3:GetObject"],
    ["auditor", "maxiofs:ExportAudit", "s3:ListBucket"],
    ["auditor", "iam:ListUsers", "iam:CreateUser"],
  ])("%s: allows %s, not %s", (name, allows, not) => {
    expect([allowed(name, allows), allowed(name, not)]).toEqual([true, false]);
  });

  test("selfService: the own user alone, below any path", () => {
    const iam = (path: string) => ({ service: "iam", path, plainName: false });
    expect(allowed("selfService", "iam:ChangePassword", iam("user/ann"))).toBe(true);
    expect(allowed("selfService", "iam:ChangePassword", iam("user/a/b/ann"))).toBe(true);
    expect(allowed("selfService", "iam:ChangePassword", iam("user/joann"))).toBe(false);
    expect(allowed("selfService", "iam:AttachUserPolicy", iam("user/ann"))).toBe(false);
    expect(builtInPolicies.map(({ name }) => name)).toContain("selfService");
  });
});
