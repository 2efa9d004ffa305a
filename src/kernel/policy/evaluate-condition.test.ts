import { describe, expect, test } from "bun:test";
import { compileCondition } from "./compile-condition.ts";
import { conditionOperators } from "./condition-operators.ts";
import { evaluateCondition, type Truth } from "./evaluate-condition.ts";
import type { ConditionClause } from "./policy-document.ts";

type Values = Readonly<Record<string, string | readonly string[]>>;

/** How `{operator: {key: wanted}}` goes for the values of a request; undefined is undecided. */
function evaluate(
  operatorText: string,
  [key, wanted]: readonly [string, string | readonly string[]],
  values: Values,
): Truth {
  const [, quantifier, operator = "", suffix] = /^(?:(For\w+):)?(\w+?)(IfExists)?$/.exec(operatorText) ?? [];
  const clause: ConditionClause = {
    quantifier: quantifier === "ForAnyValue" || quantifier === "ForAllValues" ? quantifier : undefined,
    operator,
    ifExists: suffix !== undefined,
    key,
    values: typeof wanted === "string" ? [wanted] : wanted,
  };
  return evaluateCondition(compileCondition(clause, true), new Map(Object.entries(values)));
}

const user = "aws:username";
const day = "2026-01-02T03:04:05Z";
const bob = "arn:aws:iam::111111111111:user/bob";

/** Operator, key, values of the policy, a value that fits them, one that does not. Those of negated operators are swapped. */
const table: [operator: string, key: string, wanted: string[], fits: string, misses: string][] = [
  ["StringEquals", user, ["ann", "bob"], "bob", "Bob"],
  ["StringEquals", user, ["a*"], "a*", "ann"],
  ["StringEqualsIgnoreCase", user, ["Ann", "BOB"], "bOb", "bobby"],
  ["StringLike", user, ["a?n", "b*"], "bob", "an"],
  ["StringLike", user, ["a?n"], "a😀n", "Ann"],
  ["NumericEquals", "s3:max-keys", ["5", "10"], "10.0", "10.5"],
  ["NumericLessThan", "s3:max-keys", ["10"], "9.99", "10"],
  ["NumericLessThanEquals", "s3:max-keys", ["10"], "10", "11"],
  ["NumericGreaterThan", "s3:max-keys", ["10"], "11", "10"],
  ["NumericGreaterThanEquals", "s3:max-keys", ["10", "100"], "10", "-10"],
  ["DateEquals", "aws:CurrentTime", [day], "1767323045", "2026-01-02T03:04:06Z"],
  ["DateEquals", "aws:CurrentTime", ["2026-01-02"], "2026-01-02T01:00:00+01:00", day],
  ["DateLessThan", "aws:CurrentTime", [day], "2026-01-02T03:04:04.999Z", day],
  ["DateLessThanEquals", "aws:CurrentTime", [day], day, "2026-01-02T03:04:05.001Z"],
  ["DateGreaterThan", "aws:CurrentTime", [day], "2027-01-01", day],
  ["DateGreaterThanEquals", "aws:EpochTime", ["1767323045"], "1767323045", "1767323044"],
  ["Bool", "aws:SecureTransport", ["TRUE"], "true", "false"],
  ["Bool", "aws:SecureTransport", ["false"], "false", "true"],
  ["BinaryEquals", user, ["YWJj", "eHl6"], "eHl6", "eHl7"],
  ["IpAddress", "aws:SourceIp", ["192.0.2.0/24", "2001:db8::/32"], "192.0.2.255", "192.0.3.0"],
  ["IpAddress", "aws:SourceIp", ["192.0.2.7"], "::ffff:192.0.2.7", "192.0.2.8"],
  ["IpAddress", "aws:SourceIp", ["2001:db8::/32"], "2001:db8:ffff::1", "2001:db9::1"],
  ["ArnEquals", "aws:PrincipalArn", [bob], bob, "arn:aws:iam::111111111111:user/bobby"],
  ["ArnEquals", "aws:PrincipalArn", ["arn:aws:iam::*:user/b?b"], bob, "arn:aws:sts::111111111111:user/bob"],
  ["ArnLike", "aws:PrincipalArn", ["arn:aws:iam::1*:user/*"], bob, "arn:aws:iam::2:x:user/bob"],
  ["ArnLike", "aws:PrincipalArn", ["*"], bob, ""],
];

const negations: Readonly<Record<string, string>> = {
  StringEquals: "StringNotEquals",
  StringEqualsIgnoreCase: "StringNotEqualsIgnoreCase",
  StringLike: "StringNotLike",
  NumericEquals: "NumericNotEquals",
  DateEquals: "DateNotEquals",
  IpAddress: "NotIpAddress",
  ArnEquals: "ArnNotEquals",
  ArnLike: "ArnNotLike",
};

describe("operators", () => {
  test("table: every operator is in it", () => {
    const named = [...table.map(([operator]) => operator), ...Object.values(negations), "Null"];
    expect(new Set(named)).toEqual(new Set(conditionOperators.keys()));
  });

  test.each(table)("%s on %s %j: fits, misses, absent", (...[operator, key, wanted, fits, misses]) => {
    const holds = (name: string, values: Values) => evaluate(name, [key, wanted], values);
    const rows: [name: string, isNegated: boolean][] = [[operator, false]];
    if (negations[operator] !== undefined) rows.push([negations[operator], true]);
    for (const [name, isNegated] of rows) {
      expect(holds(name, { [key]: fits })).toBe(!isNegated);
      if (misses !== "") expect(holds(name, { [key]: misses })).toBe(isNegated);
      expect(holds(name, {})).toBe(isNegated);
      expect(holds(name, { [key]: [] })).toBe(isNegated);
      expect(holds(`${name}IfExists`, {})).toBe(true);
      expect(holds(`${name}IfExists`, { [key]: fits })).toBe(!isNegated);
      if (misses === "") continue;
      expect(holds(`${name}IfExists`, { [key]: misses })).toBe(isNegated);
      checkQuantifiers(holds, { name, key, good: isNegated ? misses : fits, bad: isNegated ? fits : misses });
    }
  });

  /** Truth table of the quantifiers, partial overlap included. */
  function checkQuantifiers(
    holds: (name: string, values: Values) => Truth,
    { name, key, good, bad }: Readonly<Record<"name" | "key" | "good" | "bad", string>>,
  ): void {
    const rows: [values: string[], any: boolean, all: boolean][] = [
      [[], false, true],
      [[good], true, true],
      [[bad], false, false],
      [[good, good], true, true],
      [[good, bad], true, false],
      [[bad, good], true, false],
      [[bad, bad], false, false],
    ];
    for (const [values, any, all] of rows) {
      expect(holds(`ForAnyValue:${name}`, { [key]: values })).toBe(any);
      expect(holds(`ForAllValues:${name}`, { [key]: values })).toBe(all);
      if (values.length > 1) expect(holds(name, { [key]: values })).toBeUndefined();
    }
    expect(holds(`ForAnyValue:${name}`, {})).toBe(false);
    expect(holds(`ForAllValues:${name}`, {})).toBe(true);
    expect(holds(`ForAnyValue:${name}IfExists`, {})).toBe(true);
    expect(holds(`ForAllValues:${name}IfExists`, {})).toBe(true);
  }

  test("Null: asks whether the key exists", () => {
    for (const [wanted, absent, present] of [
      ["true", true, false],
      ["false", false, true],
    ] as const) {
      expect(evaluate("Null", [user, wanted], {})).toBe(absent);
      expect(evaluate("Null", [user, wanted], { [user]: [] })).toBe(absent);
      expect(evaluate("Null", [user, wanted], { [user]: "" })).toBe(present);
    }
    expect(evaluate("Null", [user, ["true", "false"]], {})).toBe(true);
  });
});

describe("undecided", () => {
  test.each([
    ["NumericLessThan", "s3:max-keys", "10", "ten"],
    ["NumericNotEquals", "s3:max-keys", "10", "1234567890123456"],
    ["DateGreaterThan", "aws:CurrentTime", day, "yesterday"],
    ["DateEquals", "aws:CurrentTime", day, "2026-02-30"],
    ["Bool", "aws:SecureTransport", "true", "yes"],
    ["BinaryEquals", user, "YWJj", "a"],
    ["NotIpAddress", "aws:SourceIp", "192.0.2.0/24", "192.0.2"],
    ["ArnNotLike", "aws:PrincipalArn", "*", "bob"],
    ["ForAllValues:NumericLessThan", "s3:max-keys", "10", "ten"],
  ])("%s %s %s: a value that cannot be compared (%s)", (...[operator = "", key = "", wanted = "", seen = ""]) => {
    expect(evaluate(operator, [key, wanted], { [key]: seen })).toBeUndefined();
    expect(evaluate(operator, [key, wanted], { [key]: [seen] })).toBeUndefined();
  });

  test.each([
    ["StringSounds", user, "x"],
    ["StringEquals", "aws:Moon", "x"],
    ["StringEquals", user, "$" + "{aws:Moon}"],
    ["NumericEquals", "s3:max-keys", "x"],
    ["DateEquals", "aws:CurrentTime", "x"],
    ["Bool", "aws:SecureTransport", "x"],
    ["BinaryEquals", user, "x"],
    ["IpAddress", "aws:SourceIp", "x"],
    ["ArnLike", "aws:PrincipalArn", "x"],
    ["Null", user, "x"],
    ["StringEquals", user, []],
  ])("%s %s %j: what the parser would have refused", (operator, key, wanted) => {
    const values = { [user]: "ann", "s3:max-keys": "1", "aws:CurrentTime": day, "aws:SecureTransport": "true" };
    const all = { ...values, "aws:SourceIp": "192.0.2.1", "aws:PrincipalArn": bob };
    expect(evaluate(operator, [key, wanted], all)).toBeUndefined();
  });

  test("quantifiers: what decides outweighs what does not", () => {
    const seen = (...values: string[]) => ({ "s3:max-keys": values });
    const less = ["s3:max-keys", "10"] as const;
    expect(evaluate("ForAnyValue:NumericLessThan", less, seen("x", "9"))).toBe(true);
    expect(evaluate("ForAnyValue:NumericLessThan", less, seen("9", "x"))).toBe(true);
    expect(evaluate("ForAllValues:NumericLessThan", less, seen("11", "x"))).toBe(false);
    expect(evaluate("ForAnyValue:NumericLessThan", less, seen("x", "11"))).toBeUndefined();
    expect(evaluate("ForAllValues:NumericLessThan", less, seen("x", "11"))).toBe(false);
    expect(evaluate("ForAllValues:NumericLessThan", less, seen("x", "9"))).toBeUndefined();
  });
});

describe("variables", () => {
  const prefix = "s3:prefix";
  const home = "home/$" + "{aws:username}/*";

  test("StringLike, StringEquals: the value is literal, never a pattern", () => {
    expect(evaluate("StringLike", [prefix, home], { [prefix]: "home/ann/x", [user]: "ann" })).toBe(true);
    expect(evaluate("StringLike", [prefix, home], { [prefix]: "home/ann/x", [user]: "*" })).toBe(false);
    expect(evaluate("StringLike", [prefix, home], { [prefix]: "home/*/x", [user]: "*" })).toBe(true);
    expect(evaluate("StringLike", [prefix, home], { [prefix]: "home/a/x", [user]: "$" + "{s3:prefix}" })).toBe(false);
    expect(
      evaluate("StringEqualsIgnoreCase", [prefix, "A-$" + "{aws:username}"], { [prefix]: "a-ANN", [user]: "Ann" }),
    ).toBe(true);
  });

  test("defaults: stand in for a missing value, and are literal too", () => {
    const wanted = "$" + "{aws:username, 'a*'}/?";
    expect(evaluate("StringLike", [prefix, wanted], { [prefix]: "a*/x" })).toBe(true);
    expect(evaluate("StringLike", [prefix, wanted], { [prefix]: "ab/x" })).toBe(false);
    expect(evaluate("StringLike", [prefix, wanted], { [prefix]: "bo/x", [user]: "bo" })).toBe(true);
  });

  test("no value, no default: matches nothing, and a negated operator is undecided", () => {
    expect(evaluate("StringLike", [prefix, home], { [prefix]: "home/ann/x" })).toBe(false);
    expect(evaluate("StringLike", [prefix, [home, "home/*"]], { [prefix]: "home/ann/x" })).toBe(true);
    expect(evaluate("StringNotLike", [prefix, home], { [prefix]: "home/ann/x" })).toBeUndefined();
    expect(evaluate("StringNotLike", [prefix, [home, "home/*"]], { [prefix]: "home/ann/x" })).toBe(false);
    const arn = "arn:aws:iam::*:user/$" + "{aws:username}";
    expect(evaluate("ArnNotLike", ["aws:PrincipalArn", arn], { "aws:PrincipalArn": bob })).toBeUndefined();
  });

  test("star, question mark and dollar in braces: the characters themselves", () => {
    expect(evaluate("StringLike", [prefix, "$" + "{*}$" + "{?}$" + "{$}{x"], { [prefix]: "*?${x" })).toBe(true);
    expect(evaluate("StringLike", [prefix, "$" + "{*}"], { [prefix]: "ann" })).toBe(false);
  });
});
