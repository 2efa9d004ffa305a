import { expect, test } from "bun:test";
import {
  maxSessionPolicyArns,
  maxSessionTags,
  parseAssumeRole,
  parseGetSessionToken,
  sessionSeconds,
} from "./parse-session-order.ts";

const roleArn = "arn:aws:iam::123456789012:role/r";

function assume(members: Readonly<Record<string, string>> = {}) {
  const form = { Action: "AssumeRole", Version: "2011-06-15", RoleArn: roleArn, RoleSessionName: "se", ...members };
  return parseAssumeRole(new Map(Object.entries(form)));
}

function ownToken(members: Readonly<Record<string, string>>) {
  return parseGetSessionToken(
    new Map(Object.entries({ Action: "GetSessionToken", Version: "2011-06-15", ...members })),
  );
}

function isTaken(members: Readonly<Record<string, string>>): boolean {
  try {
    assume(members);
    return true;
  } catch {
    return false;
  }
}

test("parseAssumeRole: every member", () => {
  expect(
    assume({
      DurationSeconds: "900",
      ExternalId: "x/1",
      SourceIdentity: "ca",
      SerialNumber: "arn:aws:iam::1:mfa/c",
      TokenCode: "012345",
      Policy:
        '{ "Version": "2012-10-17",\n"Statement": {"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::a b"}}',
      "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/readonly",
      "Tags.member.1.Key": "team",
      "Tags.member.1.Value": "",
      "TransitiveTagKeys.member.1": "Team",
    }),
  ).toEqual({
    kind: "assumeRole",
    roleArn,
    sessionName: "se",
    durationSeconds: 900,
    policies: {
      text: '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::a b"}}',
      arns: ["arn:aws:iam::aws:policy/readonly"],
    },
    tags: [["team", ""]],
    transitiveTagKeys: ["Team"],
    externalId: "x/1",
    sourceIdentity: "ca",
    mfa: { serialNumber: "arn:aws:iam::1:mfa/c", code: "012345" },
  });
  expect(assume({ Tags: "", TransitiveTagKeys: "", PolicyArns: "" })).toMatchObject({
    tags: [],
    transitiveTagKeys: [],
  });
});

test.each([
  ["RoleSessionName", "ab", "a"],
  ["RoleSessionName", "a".repeat(64), "a".repeat(65)],
  ["RoleSessionName", "A_z+=,.@-0", "a/b"],
  ["RoleArn", `arn:aws:iam::1:role/`, "arn:aws:iam::1:role"],
  ["RoleArn", `arn:aws:iam::1:role/${"r".repeat(2028)}`, `arn:aws:iam::1:role/${"r".repeat(2029)}`],
  ["DurationSeconds", "900", "899"],
  ["DurationSeconds", "43200", "43201"],
  ["DurationSeconds", "3600", "3600.5"],
  ["ExternalId", "ab", "a"],
  ["ExternalId", "a".repeat(1224), "a".repeat(1225)],
  ["SourceIdentity", "a".repeat(64), "a".repeat(65)],
])("parseAssumeRole: %s may be %j, and not %j", (name, right, wrong) => {
  expect([isTaken({ [name]: right }), isTaken({ [name]: wrong })]).toEqual([true, false]);
});

test("parseAssumeRole: what is missing, unknown, half or misnumbered is refused", () => {
  const withoutName = new Map([["RoleArn", roleArn]]);
  expect(() => parseAssumeRole(withoutName)).toThrow("RoleSessionName is required");
  for (const members of [
    { ProvidedContexts: "x" },
    { Unknown: "" },
    { SerialNumber: "123456789" },
    { TokenCode: "123456" },
    { SerialNumber: "123456789", TokenCode: "12345" },
    { "Tags.member.1.Key": "a" },
    { "Tags.member.2.Key": "a", "Tags.member.2.Value": "b" },
    { "Tags.member.0.Key": "a", "Tags.member.0.Value": "b" },
    { Tags: "x" },
    { "TransitiveTagKeys.member.1": "not-given" },
  ] as Record<string, string>[]) {
    expect([members, isTaken(members)]).toEqual([members, false]);
  }
});

test("parseAssumeRole: tags and policies, at their bounds and beyond", () => {
  const tags = (count: number, key = (n: number) => `k${n}`) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [
        [`Tags.member.${at + 1}.Key`, key(at)],
        [`Tags.member.${at + 1}.Value`, "v"],
      ]).flat(),
    );
  expect([isTaken(tags(maxSessionTags)), isTaken(tags(maxSessionTags + 1))]).toEqual([true, false]);
  const tag = (key: string, value = "") => isTaken({ "Tags.member.1.Key": key, "Tags.member.1.Value": value });
  expect([tag("k".repeat(128)), tag("k".repeat(129)), tag(""), tag("aws:x"), tag("a*")]).toEqual([
    ...[true, false, false, false, false],
  ]);
  expect([tag("k", "v".repeat(256)), tag("k", "v".repeat(257))]).toEqual([true, false]);
  expect(isTaken(tags(2, (at) => (at === 0 ? "Team" : "team")))).toBe(false);
  const arns = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`PolicyArns.member.${at + 1}.arn`, "a"]));
  expect([isTaken(arns(maxSessionPolicyArns)), isTaken(arns(maxSessionPolicyArns + 1))]).toEqual([true, false]);
  expect(() => assume({ Policy: "{}" })).toThrow("The session policy is wrong");
  expect(() =>
    assume({ Policy: '{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}' }),
  ).toThrow("Principal");
});

test("parseGetSessionToken: its durations, and nothing that narrows or widens", () => {
  const { min, maxOwn } = sessionSeconds;
  expect(ownToken({ DurationSeconds: String(maxOwn) }).durationSeconds).toBe(129_600);
  expect(ownToken({ DurationSeconds: String(min) }).durationSeconds).toBe(900);
  for (const members of [{ DurationSeconds: "129601" }, { DurationSeconds: "899" }, { Policy: "{}" }] as Record<
    string,
    string
  >[]) {
    expect(() => ownToken(members)).toThrow();
  }
});
