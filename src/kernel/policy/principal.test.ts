import { describe, expect, test } from "bun:test";
import type { PrincipalEntry } from "./policy-document.ts";
import { type Caller, compilePrincipals, findPrincipalProblem, isExempt, matchPrincipals } from "./principal.ts";

const account = "111111111111";
const root = `arn:aws:iam::${account}:root`;
const canonical = "c".repeat(64);
const user: Caller = {
  kind: "user",
  accountId: account,
  canonicalId: canonical,
  userId: "AIDAAAAAAAAAAAAAAAAA",
  arn: `arn:aws:iam::${account}:user/team/ann`,
  global: false,
};
const role: Caller = {
  kind: "role",
  accountId: account,
  canonicalId: canonical,
  roleId: "AROAAAAAAAAAAAAAAAAA",
  roleArn: `arn:aws:iam::${account}:role/backup`,
  sessionId: "AROAAAAAAAAAAAAAAAAA:night",
  sessionArn: `arn:aws:sts::${account}:assumed-role/backup/night`,
};
const anonymous: Caller = { kind: "anonymous" };
const logging: Caller = { kind: "service", name: "logging.s3.amazonaws.com" };
const provider: Caller = { kind: "federated", provider: `arn:aws:iam::${account}:oidc-provider/id.example.com` };

function aws(...values: string[]): PrincipalEntry[] {
  return values.map((value) => ({ type: "AWS", value }));
}

describe("matchPrincipals", () => {
  test.each<[entries: PrincipalEntry[], caller: Caller, wanted: string]>([
    [aws("*"), user, "direct"],
    [aws("*"), anonymous, "direct"],
    [aws("*"), logging, "direct"],
    [aws(user.arn), user, "direct"],
    [aws(user.userId), user, "direct"],
    [aws(user.arn), role, "none"],
    [aws(account), user, "account"],
    [aws(root), role, "account"],
    [aws(root, user.arn), user, "direct"],
    [aws("222222222222"), user, "none"],
    [aws(account), anonymous, "none"],
    [[{ type: "CanonicalUser", value: canonical }], user, "account"],
    [aws(role.roleArn), role, "direct"],
    [aws(role.sessionArn), role, "direct"],
    [aws(role.sessionArn), { ...role, sessionArn: "arn:x", sessionId: "AROA:day" }, "none"],
    [[{ type: "Service", value: "logging.s3.amazonaws.com" }], logging, "direct"],
    [[{ type: "Service", value: "s3.amazonaws.com" }], logging, "none"],
    [[{ type: "Federated", value: provider.provider }], provider, "direct"],
    [[{ type: "Federated", value: "id.example.com" }], provider, "none"],
  ])("%j and %j: %s", (...[entries, caller, wanted]) => {
    expect(matchPrincipals(compilePrincipals(entries), caller)).toBe(wanted as "direct");
  });

  test("resolve: an ARN is the id it stands for, so a new user of an old name inherits nothing", () => {
    const compiled = compilePrincipals(aws(user.arn), () => user.userId);
    expect(matchPrincipals(compiled, user)).toBe("direct");
    expect(matchPrincipals(compiled, { ...user, userId: "AIDABBBBBBBBBBBBBBBBB" })).toBe("none");
  });

  test("resolve: the ARN of nobody is undecided, unless another entry fits", () => {
    expect(
      matchPrincipals(
        compilePrincipals(aws("arn:aws:iam::1:user/x"), () => undefined),
        user,
      ),
    ).toBeUndefined();
    expect(
      matchPrincipals(
        compilePrincipals(aws("arn:aws:iam::1:user/x", "*"), () => undefined),
        user,
      ),
    ).toBe("direct");
  });
});

test.each<[values: string[], caller: Caller, wanted: boolean]>([
  [[user.arn], user, false],
  [[account], user, false],
  [[account, user.arn], user, true],
  [[root, user.userId], user, true],
  [[root, role.roleArn], role, false],
  [[root, role.sessionArn], role, false],
  [[root, role.roleArn, role.sessionArn], role, true],
  [[role.roleArn, role.sessionArn], role, false],
  [[root, user.arn], anonymous, false],
  [["*"], anonymous, true],
])("isExempt: NotPrincipal %j, caller %j", (...[values, caller, wanted]) => {
  expect(isExempt(compilePrincipals(aws(...values)), caller)).toBe(wanted);
});

test("isExempt: a service that is listed", () => {
  const entries: PrincipalEntry[] = [{ type: "Service", value: "logging.s3.amazonaws.com" }];
  expect(isExempt(compilePrincipals(entries), logging)).toBe(true);
  expect(isExempt(compilePrincipals(entries), user)).toBe(false);
});

test.each([
  "11111111111",
  "arn:aws:iam::111111111111:user/*",
  "arn:aws:iam::*:root",
  "arn:aws:iam::111111111111:group/a",
  "arn:aws:iam:x:111111111111:user/a",
  "arn:aws:s3:::b",
  "AIDA",
  "ann",
  "",
])("findPrincipalProblem: AWS %j", (value) => {
  expect(findPrincipalProblem({ type: "AWS", value })).toBeString();
});

test("findPrincipalProblem: what is well formed", () => {
  for (const value of ["*", account, root, user.arn, user.userId, role.roleArn, role.sessionArn]) {
    expect(findPrincipalProblem({ type: "AWS", value })).toBeUndefined();
  }
  expect(findPrincipalProblem({ type: "CanonicalUser", value: canonical })).toBeUndefined();
  expect(findPrincipalProblem({ type: "CanonicalUser", value: account })).toBeString();
  expect(findPrincipalProblem({ type: "Federated", value: provider.provider })).toBeUndefined();
  expect(findPrincipalProblem({ type: "Federated", value: "*" })).toBeString();
  expect(findPrincipalProblem({ type: "Service", value: "*" })).toBeString();
});
