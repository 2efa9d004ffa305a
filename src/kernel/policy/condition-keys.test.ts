import { expect, test } from "bun:test";
import { conditionKeys, findConditionKey } from "./condition-keys.ts";

test("conditionKeys: each is found by its name in any case", () => {
  expect(conditionKeys.length).toBeGreaterThan(90);
  for (const spec of conditionKeys) {
    const name = spec.name.endsWith("/") ? `${spec.name}Tag` : spec.name;
    const shouted = spec.name.toUpperCase() + name.slice(spec.name.length);
    expect(findConditionKey(shouted)).toEqual({ name, spec });
  }
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
