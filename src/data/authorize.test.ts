import { expect, test } from "bun:test";
import fc from "fast-check";
import { harnessBucket, harnessKey } from "#testing/request-harness.ts";
import { authorize, matches } from "./authorize.ts";

test.each([
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["*", "anything/at all", true],
  ["?", "", false],
  ["?", "a", true],
  ["s3:Get*", "s3:GetObject", true],
  ["s3:Get*", "s3:PutObject", false],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-b-b-d", false],
  ["*.*", "a", false],
  ["a.c", "abc", false],
  ["[a]", "a", false],
  ["arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket2/key", false],
  ["arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/", true],
])("matches: %j on %j is %p", (pattern, text, wanted) => {
  expect(matches(pattern, text)).toBe(wanted);
});

test("matches: agrees with a regular expression on any pattern", () => {
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?", ".", "/"), maxLength: 12 });
  const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "/", "\n"), maxLength: 16 });
  fc.assert(
    fc.property(pattern, text, (p, t) => {
      const expression = p.replace(/[.]/g, "\\$&").replaceAll("*", "[^]*").replaceAll("?", "[^]");
      expect(matches(p, t)).toBe(new RegExp(`^${expression}$`).test(t));
    }),
    { numRuns: 2_000 },
  );
});

test("matches: many stars on a long text take no exponential time", () => {
  expect(matches(`${"*a".repeat(50)}b`, "a".repeat(10_000))).toBe(false);
});

test("authorize: default deny; the tenant's border holds for administrators too", () => {
  const ask = (change: Partial<typeof harnessKey>, bucketTenant = "tenant") =>
    authorize(
      { kind: "key", key: { ...harnessKey, ...change } },
      {
        action: "s3:GetObject",
        resource: "arn:aws:s3:::bucket/k",
        bucket: { ...harnessBucket, tenantId: bucketTenant },
      },
    );
  const grants = [{ actions: ["S3:GETOBJECT"], resources: ["arn:aws:s3:::bucket/*"] }];
  expect([ask({}), ask({ grants }), ask({ administrator: true })]).toEqual([false, true, true]);
  expect([ask({ grants }, "other"), ask({ administrator: true }, "other")]).toEqual([false, false]);
  expect(ask({ grants: [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::Bucket/*"] }] })).toBe(false);
  expect(ask({ grants: [{ actions: ["s3:GetObject"], resources: [] }] })).toBe(false);
  expect(authorize({ kind: "anonymous" }, { action: "s3:GetObject", resource: "*" })).toBe(false);
});
