import fc from "fast-check";
import type { JsonPolicy, JsonStatement, ReferenceRequest, ReferenceSets } from "./reference-evaluator.ts";

/** Accounts, users and names are few, so that random policies speak about random requests. */
const accounts = ["111111111111", "222222222222"] as const;
const users = ["ann", "bo"] as const;
const actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"] as const;
const resources = ["b", "b/k", "bb/k", "b/ann/x", "b/bo/😀", "c/a*z", "c/ann:x/y"] as const;
const words = ["ann", "bo", "ann/", "Ann", "a*", "b", "", "😀", "home/ann"] as const;

const actionPatterns = [
  "*",
  "*",
  "s3:*",
  "s3:*",
  "s3:Get*",
  "S3:GETOBJECT",
  "s3:?utObject",
  "s3:ListBucket",
  "s3:*Object",
  "iam:*",
];
const resourcePatterns = [
  "*",
  "*",
  "*",
  "arn:aws:s3:::*",
  "arn:aws:s3:::*",
  "arn:aws:s3:::b",
  "arn:aws:s3:::b/*",
  "arn:*:s3:::?/ann/*",
  "arn:aws:s3:::c/a$" + "{*}z",
  "arn:aws:s3:::b/$" + "{aws:username}/*",
  "arn:aws:s3:::*/$" + "{aws:username, 'ann'}*",
  "arn:aws:s3:::b/??/*",
  "arn:aws:s3:::b*",
  "arn:aws:s3:::b*k",
  "arn:aws:s3:::b$" + "{s3:delimiter, 'b'}/k",
  "arn:aws:iam:::b",
];

const stringValues = [
  ...words,
  "a*n",
  "$" + "{aws:username}",
  "$" + "{s3:prefix, 'bo'}",
  "?o",
  "*n*",
  "$" + "{aws:userid}/",
];
const stringOperators = [
  "StringEquals",
  "StringNotEquals",
  "StringEqualsIgnoreCase",
  "StringNotEqualsIgnoreCase",
  "StringLike",
  "StringNotLike",
];
const comparisons = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"];

/** Keys with values of requests and of policies, and the operators they suit. */
const families: readonly {
  readonly keys: readonly string[];
  readonly operators: readonly string[];
  readonly wanted: readonly string[];
}[] = [
  {
    keys: ["s3:prefix", "aws:username", "aws:TagKeys", "aws:userid"],
    operators: stringOperators,
    wanted: stringValues,
  },
  {
    keys: ["s3:max-keys", "s3:prefix"],
    operators: comparisons.map((comparison) => `Numeric${comparison}`),
    wanted: ["1", "10", "2.5", "-1"],
  },
  {
    keys: ["aws:CurrentTime", "s3:prefix"],
    operators: comparisons.map((comparison) => `Date${comparison}`),
    wanted: ["2026-01-02T03:04:05Z", "1767323045", "2026-01-02"],
  },
  { keys: ["aws:SecureTransport", "s3:prefix"], operators: ["Bool"], wanted: ["true", "false"] },
  {
    keys: ["aws:SourceIp", "s3:prefix"],
    operators: ["IpAddress", "NotIpAddress"],
    wanted: ["10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "192.0.2.128/25"],
  },
  {
    keys: ["aws:PrincipalArn", "s3:prefix"],
    operators: ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    wanted: ["*", "arn:aws:iam::111111111111:user/*", "arn:aws:iam::*:user/$" + "{aws:username}", "arn:aws:sts::*:*"],
  },
];

const clause: fc.Arbitrary<Readonly<Record<string, Readonly<Record<string, string | string[]>>>>> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...families).chain(familyClause) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("s3:prefix", "aws:username", "aws:TagKeys"), fc.constantFrom("true", "false"))
      .map(([key, value]) => ({ Null: { [key]: value } })),
  },
);

function familyClause({ keys, operators, wanted }: (typeof families)[number]) {
  return fc
    .record({
      quantifier: fc.constantFrom("", "", "ForAnyValue:", "ForAllValues:"),
      operator: fc.constantFrom(...operators),
      suffix: fc.constantFrom("", "", "IfExists"),
      key: fc.constantFrom(...keys),
      values: fc.array(fc.constantFrom(...wanted), { minLength: 1, maxLength: 3 }),
    })
    .map(({ quantifier, operator, suffix, key, values }) => ({
      [`${quantifier}${operator}${suffix}`]: { [key]: values.length === 1 ? (values[0] ?? "") : values },
    }));
}

const listOf = (patterns: readonly string[]) => fc.array(fc.constantFrom(...patterns), { minLength: 1, maxLength: 3 });

function pair(name: string, patterns: readonly string[]): fc.Arbitrary<Partial<JsonStatement>> {
  const element = fc.constantFrom(name, name, name, `Not${name}`);
  return fc.tuple(element, listOf(patterns)).map(([key, values]) => ({ [key]: values }));
}

const principals = accounts.flatMap((account) => [
  account,
  `arn:aws:iam::${account}:root`,
  ...users.map((user) => `arn:aws:iam::${account}:user/${user}`),
]);

function statement(effect: fc.Arbitrary<"Allow" | "Deny">, isBucket: boolean): fc.Arbitrary<JsonStatement> {
  return fc
    .record({
      effect,
      action: pair("Action", isBucket ? actionPatterns.filter((pattern) => pattern !== "iam:*") : actionPatterns),
      resource: pair("Resource", resourcePatterns),
      clauses: fc.oneof(fc.constant([]), fc.array(clause, { minLength: 1, maxLength: 2 })),
      principal: fc.oneof(fc.constant("*" as const), listOf([...principals, "*"])),
      negates: fc.boolean(),
    })
    .map(({ effect: Effect, action, resource, clauses, principal, negates }) => {
      const AWS = typeof principal === "string" ? [principal] : principal;
      const named = negates && Effect === "Deny" ? { NotPrincipal: { AWS } } : { Principal: { AWS } };
      return {
        Effect,
        ...action,
        ...resource,
        ...(isBucket ? named : {}),
        ...(clauses.length > 0 ? { Condition: Object.assign({}, ...clauses) } : {}),
      };
    });
}

function policy(isBucket: boolean): fc.Arbitrary<JsonPolicy> {
  const effect = fc.constantFrom(
    "Allow" as const,
    "Allow" as const,
    "Allow" as const,
    "Allow" as const,
    "Deny" as const,
  );
  return fc.record({
    Version: fc.constantFrom("2012-10-17" as const, "2012-10-17" as const, "2008-10-17" as const),
    Statement: fc.array(statement(effect, isBucket), { minLength: 1, maxLength: 3 }),
  });
}

/** Policies of identities and of links that narrow. */
export const randomPolicy: fc.Arbitrary<JsonPolicy> = policy(false);

/** A Deny of an identity policy. */
export const randomDeny: fc.Arbitrary<JsonStatement> = statement(fc.constant("Deny"), false);

/** Policies of every kind that may speak about a request. */
export const randomSets: fc.Arbitrary<ReferenceSets> = fc.record({
  narrowing: fc.array(fc.array(randomPolicy, { maxLength: 2 }), { maxLength: 2 }),
  identity: fc.array(randomPolicy, { maxLength: 3 }),
  bucket: fc.option(policy(true), { nil: undefined }),
});

const contextValues: Readonly<Record<string, fc.Arbitrary<string | string[]>>> = {
  "s3:prefix": fc.constantFrom(...words, "10", "2026-01-02", "10.1.2.3", "true"),
  "s3:max-keys": fc.constantFrom("1", "10", "1000", "x"),
  "aws:userid": fc.constantFrom("AIDAX", "ann"),
  "aws:TagKeys": fc.array(fc.constantFrom(...words), { maxLength: 3 }),
  "aws:CurrentTime": fc.constantFrom("2026-01-02T03:04:05Z", "2025-01-01T00:00:00Z", "2027-01-01T00:00:00.5Z"),
  "aws:SecureTransport": fc.constantFrom("true", "false"),
  "aws:SourceIp": fc.constantFrom("10.1.2.3", "192.0.2.200", "8.8.8.8"),
};

/** Requests by users of two accounts and by nobody, with any part of the keys. */
export const randomRequest: fc.Arbitrary<ReferenceRequest> = fc
  .record({
    action: fc.constantFrom(...actions),
    path: fc.constantFrom(...resources),
    ownerAccount: fc.constantFrom(...accounts),
    account: fc.constantFrom(...accounts),
    name: fc.option(fc.constantFrom(...users), { nil: undefined, freq: 5 }),
    context: fc.record(contextValues, { requiredKeys: [] }),
  })
  .map(({ action, path, ownerAccount, account, name, context }) => {
    const user = name === undefined ? undefined : { arn: `arn:aws:iam::${account}:user/${name}`, account };
    const values = new Map(
      Object.entries(context).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    );
    if (user !== undefined && name !== undefined) {
      values.set("aws:username", name);
      values.set("aws:PrincipalArn", user.arn);
    }
    return { action, resource: `arn:aws:s3:::${path}`, ownerAccount, user, context: values };
  });
