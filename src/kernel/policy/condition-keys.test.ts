import { expect, test } from "bun:test";
import { conditionKeys, findConditionKey, tagValues } from "./condition-keys.ts";

test("conditionKeys: each is found by its name in any case", () => {
  expect(conditionKeys.length).toBeGreaterThan(90);
  for (const spec of conditionKeys) {
    const tag = spec.name.endsWith("/") ? "Tag" : "";
    const name = spec.name + (spec.name.startsWith("aws:") ? tag.toLowerCase() : tag);
    expect(findConditionKey(spec.name.toUpperCase() + tag)).toEqual({ name, spec });
  }
});

test("tagValues: tags of identities have no case in their keys, those of objects have; twins have all their values", () => {
  const tags = [
    ["Dept", "a"],
    ["dept", "b"],
    ["x", "c"],
  ] as const;
  expect([...tagValues("aws:RequestTag/", tags)]).toEqual([
    ["aws:RequestTag/dept", ["a", "b"]],
    ["aws:RequestTag/x", "c"],
  ]);
  expect([...tagValues("s3:RequestObjectTag/", tags)].map(([name]) => name)).toEqual([
    "s3:RequestObjectTag/Dept",
    "s3:RequestObjectTag/dept",
    "s3:RequestObjectTag/x",
  ]);
});

test.each([
  ["aws:SourceIp", "ip", false],
  ["aws:TagKeys", "string", true],
  ["aws:CurrentTime", "date", false],
  ["aws:MultiFactorAuthAge", "numeric", false],
  ["aws:SecureTransport", "boolean", false],
  ["aws:PrincipalArn", "arn", false],
  ["s3:RequestObjectTagKeys", "string", true],
  ["s3:ExistingObjectTag/a", "string", false],
  ["s3:object-lock-retain-until-date", "date", false],
  ["sts:TransitiveTagKeys", "string", true],
  ["id.example.com:amr", "string", true],
] as const)("conditionKeys: %s is of type %s, several values: %p", (name, type, multivalued) => {
  expect(findConditionKey(name)?.spec).toMatchObject({ type, multivalued, exists: true });
});

test.each(["aws:SourceVpc", "aws:PrincipalOrgID", "s3:DataAccessPointArn"])(
  "conditionKeys: %s cannot exist here",
  (name) => {
    expect(findConditionKey(name)?.spec.exists).toBe(false);
  },
);
