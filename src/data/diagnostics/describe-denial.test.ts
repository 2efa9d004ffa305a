import { expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Grant } from "#testing/identities.ts";
import { harnessBucket, identityWith } from "#testing/request-harness.ts";
import { bucketResource } from "../authorize.ts";
import { type Denial, describeDenial, maxKeptStatements, maxKeptValueLength } from "./describe-denial.ts";

const photo: Grant = { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::photos/*"] };

function denialOf(grants: readonly Grant[], change: Partial<Denial> = {}): Denial {
  return {
    ...{ requestId: "R", timeMs: 7, operation: "GetObject", action: "s3:GetObject", reason: null },
    identity: identityWith(grants),
    resource: bucketResource(harnessBucket, "a*b"),
    ownerTenantId: "owner",
    values: new Map([["aws:SourceIp", "192.0.2.1"]]),
    ...change,
  };
}

test("describeDenial: who, what, which layer, what was looked at, and the smallest statement that would allow", () => {
  const described = describeDenial(denialOf([photo]));
  // Before the matchers: they leave their traces in what they match.
  expect(structuredClone(described)).toEqual(described);
  expect(described).toMatchObject({
    ...{ requestId: "R", timeMs: 7, action: "s3:GetObject", resource: "arn:aws:s3:::bucket/a*b", tenantId: "owner" },
    caller: { tenantId: "tenant", accessKeyId: "AKIA" },
    explanation: {
      decision: { outcome: "implicitDeny", layer: "identityPolicy" },
      statements: [{ layer: "identityPolicy", misses: ["resource"] }],
      suggestion: { statement: { Action: "s3:GetObject", Resource: expect.stringMatching(/a\$\{\*\}b$/) } },
    },
    context: { "aws:SourceIp": "192.0.2.1" },
  });
  const anonymous = denialOf([], { identity: { kind: "anonymous" }, ownerTenantId: null });
  expect(describeDenial(anonymous)).toMatchObject({
    ...{ tenantId: null, caller: { arn: "anonymous", tenantId: null, accessKeyId: null } },
  });
  expect(describeDenial(denialOf([photo], { reason: "suspended" })).explanation.suggestion).toBeUndefined();
});

test("describeDenial: values are cut, a page's parameters left out, and a header that cannot be read has no value", () => {
  const texts: Record<string, string> = {
    "aws:Referer": "https://s3/photos?X-Amz-Signature=secret",
    "aws:UserAgent": "a".repeat(maxKeptValueLength + 1),
    "s3:VersionId": "v".repeat(maxKeptValueLength),
  };
  const get = (name: string) => {
    if (name === "s3:RequestObjectTagKeys") throw new S3Error("InvalidTag");
    return texts[name];
  };
  expect(describeDenial(denialOf([], { values: { get } })).context).toEqual({
    ...texts,
    "aws:Referer": "https://s3/photos?...",
    "aws:UserAgent": "a".repeat(maxKeptValueLength),
  });
});

test("describeDenial: a record has a bound of statements, and says how many it left out", () => {
  const one = identityWith([photo]);
  const describe = (count: number) =>
    describeDenial(
      denialOf([], { identity: { ...one, identity: Array.from({ length: count }, () => one.identity).flat() } }),
    );
  for (const [count, omitted] of [
    [maxKeptStatements, 0],
    [maxKeptStatements + 1, 1],
  ] as const) {
    const { explanation, omittedStatementCount } = describe(count);
    expect([explanation.statements.length, omittedStatementCount]).toEqual([maxKeptStatements, omitted]);
  }
});
