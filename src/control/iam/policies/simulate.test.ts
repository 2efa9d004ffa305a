import { expect, test } from "bun:test";
import { policyOf, testKey, testTenant, testUser, userWith } from "#testing/identities.ts";
import { simulate } from "./simulate.ts";

const narrow = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::photos/*"] }]);
const kinds = {
  tenant: [testTenant],
  user: [userWith([{ actions: ["s3:*"], resources: ["*"] }])],
  key: [{ ...testKey, narrowing: [narrow] }],
} as const;
const publisher = {
  entries: (kind: string) =>
    new Map(
      (Object.getOwnPropertyDescriptor(kinds, kind)?.value ?? []).map((entry: Record<string, string>) => [
        entry["accessKeyId"] ?? entry["userId"] ?? entry["tenantId"],
        entry,
      ]),
    ),
  // biome-ignore lint/suspicious/noExplicitAny: three kinds of seven are enough here
} as any;
const { tenantId } = testTenant;
const asked = { policies: [], actions: ["s3:getobject"], resources: ["arn:aws:s3:::photos/a"], context: {} };
const outcomes = (change: object) =>
  simulate(publisher, tenantId, { ...asked, ...change }).map(({ explanation: { decision } }) => [
    decision.outcome,
    decision.layer,
  ]);

test("simulate: a user's own policies, narrowed by the key that is named", () => {
  const { userId } = testUser;
  expect(outcomes({ userId })).toEqual([["allow", "identityPolicy"]]);
  const both = {
    userId,
    accessKeyId: testKey.accessKeyId,
    resources: ["arn:aws:s3:::photos/a", "arn:aws:s3:::papers/a"],
  };
  expect(outcomes(both)).toEqual([
    ["allow", "identityPolicy"],
    ["implicitDeny", "keyPolicy"],
  ]);
});

test("simulate: pasted policies alone, with values of condition keys; what would help is said", () => {
  const condition = { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } };
  const statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "*", Condition: condition };
  const policies = [JSON.stringify({ Version: "2012-10-17", Statement: statement })];
  const [without] = simulate(publisher, tenantId, { ...asked, policies });
  expect(without?.explanation).toMatchObject({
    decision: { outcome: "implicitDeny" },
    missingKeys: ["aws:SourceIp"],
    suggestion: { statement: { Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/a" } },
  });
  expect(outcomes({ policies, context: { "aws:SourceIp": "192.0.2.7" } })).toEqual([["allow", "identityPolicy"]]);
  expect(outcomes({ policies, context: { "aws:SourceIp": "198.51.100.7" } })[0]?.[0]).toBe("implicitDeny");
});

test("simulate: answers stay small: values are cut, long ones refused, and so are too many policies", () => {
  const condition = { StringLike: { "aws:UserAgent": "x*" } };
  const statement = { Effect: "Allow", Action: "s3:*", Resource: "*", Condition: condition };
  const policyWith = (count: number) =>
    JSON.stringify({ Version: "2012-10-17", Statement: Array.from({ length: count }, () => statement) });
  const context = { "aws:UserAgent": "x".repeat(2048) };
  const run = (change: object) => simulate(publisher, tenantId, { ...asked, context, ...change });
  const [first] = run({ policies: [policyWith(1)] });
  expect(first?.explanation.statements[0]?.conditions[0]?.seen).toBe(`${"x".repeat(128)}...`);
  const many = { actions: Array.from({ length: 50 }, () => "s3:GetObject"), resources: Array(20).fill("*") };
  const one = { policies: [policyWith(40)] };
  expect(JSON.stringify(run(one)).length).toBeLessThan(40 * 550);
  expect(() => run({ ...one, ...many })).toThrow("too long");
  const full = policyWith(60);
  expect(() => run({ policies: Array(20).fill(full) })).toThrow("100000 characters");
});

test("simulate: unknown users, keys of others, actions and ARNs that are none are refused", () => {
  for (const [change, code] of [
    [{ userId: "AIDANOBODY" }, "NotFound"],
    [{ userId: testUser.userId, accessKeyId: "AKIANOBODY" }, "NotFound"],
    [{ actions: ["s3:Nothing"] }, "InvalidRequest"],
    [{ resources: ["photos"] }, "InvalidRequest"],
    [{ policies: ["{}"] }, "InvalidRequest"],
  ] as const)
    expect(() => outcomes(change)).toThrow(expect.objectContaining({ code }));
  expect(() => simulate(publisher, "other", { ...asked, userId: testUser.userId })).toThrow();
});
