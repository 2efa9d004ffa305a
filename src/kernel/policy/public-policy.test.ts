import { expect, test } from "bun:test";
import { parsePolicy } from "./parse-policy.ts";
import { isPublicPolicy } from "./public-policy.ts";

const open = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*" };

function isPublic(...statements: object[]): boolean {
  const text = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  const parsed = parsePolicy(text, { kind: "bucket", bucketName: "b" });
  if (parsed.kind === "problems") throw new Error(JSON.stringify(parsed.problems));
  return isPublicPolicy(parsed.document);
}

const tied = (operator: string, key: string, value: unknown) => ({
  ...open,
  Condition: { [operator]: { [key]: value } },
});

test("isPublicPolicy: everyone without a fixed restriction", () => {
  expect(isPublic(open)).toBe(true);
  expect(isPublic({ ...open, Principal: { AWS: ["111111111111", "*"] } })).toBe(true);
  expect(isPublic({ ...open, Effect: "Deny" })).toBe(false);
  expect(isPublic({ ...open, Principal: { AWS: "111111111111" } })).toBe(false);
  expect(isPublic(tied("StringEquals", "aws:SourceAccount", "111111111111"), open)).toBe(true);
});

test.each([
  ["IpAddress", "aws:SourceIp", "10.0.0.0/8", false],
  ["IpAddress", "aws:SourceIp", "10.0.0.0/7", true],
  ["IpAddress", "aws:SourceIp", ["10.0.0.0/8", "0.0.0.0/0"], true],
  ["IpAddress", "aws:SourceIp", "2001:db8::/32", false],
  ["IpAddress", "aws:SourceIp", "2001:db8::/31", true],
  ["NotIpAddress", "aws:SourceIp", "10.0.0.0/8", true],
  ["IpAddressIfExists", "aws:SourceIp", "10.0.0.0/8", true],
  ["ForAllValues:IpAddress", "aws:SourceIp", "10.0.0.0/8", true],
  ["StringEquals", "aws:PrincipalAccount", "111111111111", false],
  ["StringNotEquals", "aws:PrincipalAccount", "111111111111", true],
  ["StringLike", "aws:userid", "AIDA*", true],
  ["StringEquals", "aws:userid", "$" + "{aws:userid}", true],
  ["ArnLike", "aws:PrincipalArn", "arn:aws:iam::111111111111:user/a", false],
  ["StringEquals", "aws:Referer", "https://example.com", true],
  ["StringEquals", "aws:SourceVpc", "vpc-1", false],
])("isPublicPolicy: %s %s %j: %p", (...[operator, key, value, wanted]) => {
  expect(isPublic(tied(operator, key, value))).toBe(wanted);
});
