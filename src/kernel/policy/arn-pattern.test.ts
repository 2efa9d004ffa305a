import { expect, test } from "bun:test";
import { compileArnPattern, findArnPatternProblem, matchArn, parseArn } from "./arn-pattern.ts";

const object = "arn:aws:s3:us-east-1:111111111111:b/a:b*";
const values = new Map([
  ["aws:username", "a:b*"],
  ["aws:PrincipalAccount", "1*"],
]);

test.each([
  ["*", true],
  [object, true],
  ["arn:*:s3:*:*:*", true],
  ["arn:aws:s3:us-*-1:1111????1111:b/?:*", true],
  ["arn:aws:s3:us-east-1:111111111111:b/$" + "{aws:username}", true],
  ["arn:aws:s3:us-east-1:111111111111:b/a:$" + "{aws:userid, 'b*'}", true],
  ["arn:aws:s3:us-east-1:$" + "{aws:PrincipalAccount}:*", false],
  ["arn:aws:iam:us-east-1:111111111111:b/a:b*", false],
  ["arn:aws:s3:*:B/a:b*", false],
  ["arn:aws:s3:us-east-1:111111111111:b/a", false],
  ["arn:aws:s3::111111111111:*", false],
  ["arn:aws:s3:us-east-1:111111111111:$" + "{aws:userid}", "unresolved"],
  ["arn:aws:s3:us-east-2:111111111111:$" + "{aws:userid}", false],
  ["arn:aws:s*:us-east-1:111111111111:*", "undecided"],
  ["arn:aws:s3:us-east-1:111111111111:$" + "{aws:moon}", "undecided"],
] as const)("matchArn: %s: %p", (pattern, wanted) => {
  const arn = parseArn(object);
  expect(arn && matchArn(compileArnPattern(pattern, true), arn, values)).toBe(wanted);
});

test.each(["", "b", "**", "arn:aws:s3:::", "arn:aws:s3::", "ARN:aws:s3:::b", "arn:aws::::b", "arn:aws:S3:::b"])(
  "findArnPatternProblem: %j",
  (text) => {
    expect(findArnPatternProblem(text, true) === undefined).toBe(text === "arn:aws:s3:::");
  },
);

test("parseArn: six parts, the last with its colons", () => {
  expect(parseArn("arn:aws:iam::1:user/a:b:c")).toMatchObject({ service: "iam", account: "1", path: "user/a:b:c" });
  for (const text of ["", "arn:aws:iam::1", "urn:aws:iam::1:x", "arn:aws:::1:x"])
    expect(parseArn(text)).toBeUndefined();
});
