import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findConditionKey } from "./condition-keys.ts";
import { compilePattern, findPatternProblem, matchPattern, type PatternMatch } from "./pattern.ts";

const glob = { wildcards: true, variables: true };
const none = new Map<string, string>();

function matches(pattern: string, text: string): PatternMatch {
  return matchPattern(compilePattern(pattern, glob), text, none);
}

test.each([
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["*", "a/b\nc", true],
  ["**", "abc", true],
  ["a*", "a", true],
  ["a*", "ba", false],
  ["*a", "ba", true],
  ["*a", "ab", false],
  ["a*a", "a", false],
  ["a*a", "aa", true],
  ["a*b*c", "abcbc", true],
  ["a*b*c", "acb", false],
  ["*ab*ab*", "ab", false],
  ["*ab*ab*", "xababx", true],
  ["?", "", false],
  ["?", "a", true],
  ["?", "😀", true],
  ["??", "😀", false],
  ["*?", "😀", true],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["*?b*?d", "abcd", true],
  ["*?b*?d", "bcd", false],
  ["[a-z]+", "[a-z]+", true],
  ["[a-z]+", "abc", false],
  ["A", "a", false],
] as const)("matchPattern: %j on %j is %p", (...[pattern, text, wanted]) => {
  expect(matches(pattern, text)).toBe(wanted);
});

test("matchPattern: as a regular expression would", () => {
  const letters = fc.array(fc.constantFrom("a", "b", "*", "?", "😀"), { maxLength: 9 });
  const text = fc.array(fc.constantFrom("a", "b", "😀"), { maxLength: 12 });
  fc.assert(
    fc.property(letters, text, (pattern, characters) => {
      const source = pattern.join("").replaceAll("*", "X").replaceAll("?", ".").replaceAll("X", ".*");
      const seen = characters.join("");
      expect(matches(pattern.join(""), seen)).toBe(new RegExp(`^${source}$`, "su").test(seen));
    }),
    { numRuns: 3000 },
  );
});

test("findPatternProblem: variables", () => {
  const problem = (text: string) => findPatternProblem(`a$${text}b`, glob);
  for (const good of [
    "{aws:username}",
    "{ AWS:UserName , 'x y' }",
    "{aws:PrincipalTag/team}",
    "{*}",
    "{?}",
    "{$}",
    "x{",
  ]) {
    expect(problem(good)).toBeUndefined();
  }
  for (const bad of [
    "{",
    "{}",
    "{aws:username",
    "{aws:moon}",
    "{aws:TagKeys}",
    "{aws:username,}",
    "{aws:username, x}",
  ]) {
    expect(problem(bad)).toBeString();
    expect(matches(`a$${bad}b`, "ab")).toBe("undecided");
  }
});

test("matchPattern: a variable takes a list of one value, and no other", () => {
  const pattern = compilePattern("$" + "{aws:username}", glob);
  expect(matchPattern(pattern, "a", new Map([["aws:username", ["a"]]]))).toBe(true);
  expect(matchPattern(pattern, "a", new Map([["aws:username", ["a", "a"]]]))).toBe("unresolved");
  expect(matchPattern(pattern, "a", new Map([["aws:username", []]]))).toBe("unresolved");
});

test("matchPattern: values of an earlier request never stay, not those of one with a value missing either", () => {
  const pattern = compilePattern("$" + "{aws:username}/$" + "{aws:userid}/*", glob);
  const match = (text: string, username?: string, userid?: string) => {
    const values = new Map<string, string>();
    if (username !== undefined) values.set("aws:username", username);
    if (userid !== undefined) values.set("aws:userid", userid);
    return matchPattern(pattern, text, values);
  };
  expect(match("ann/1/x", "ann", "1")).toBe(true);
  expect(match("ann/1/x", "bob")).toBe("unresolved");
  expect(match("ann/1/x", "bob", "1")).toBe(false);
  expect(match("bob/1/x", "bob", "1")).toBe(true);
  expect(match("bob/1/x", undefined, "1")).toBe("unresolved");
  expect(match("ann/1/x", "ann", "1")).toBe(true);
});

describe("findConditionKey", () => {
  test.each([
    ["aws:sourceip", "aws:SourceIp"],
    ["AWS:PRINCIPALTAG/Team", "aws:PrincipalTag/team"],
    ["s3:existingobjecttag/a/b", "s3:ExistingObjectTag/a/b"],
    ["accounts.example.com:SUB", "accounts.example.com:sub"],
    ["id.example.com:8443/realms/x:groups", "id.example.com:8443/realms/x:groups"],
    ["ldap:groups", "ldap:groups"],
  ])("%s is %s", (text, name) => {
    expect(findConditionKey(text)?.name).toBe(name);
  });

  test.each(["aws:moon", "aws:PrincipalTag", "aws:PrincipalTag/", "SourceIp", "example:sub", "a.example:email", ""])(
    "%j is none, or a tag without name",
    (text) => {
      expect(findConditionKey(text)).toBeUndefined();
    },
  );
});
