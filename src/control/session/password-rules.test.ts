import { expect, test } from "bun:test";
import { systemRandom } from "#kernel/base/random.ts";
import { resolveSettings } from "#kernel/settings/settings.ts";
import { isCommonPassword } from "./common-password.ts";
import { makePassword } from "./make-password.ts";
import { findPasswordProblems, maxPasswordBytes } from "./password-rules.ts";

const defaults = resolveSettings({ overrides: {}, stored: new Map(), defaults: {} });

const none = {
  ...defaults,
  "security.password_require_uppercase": false,
  "security.password_require_numbers": false,
};

test("findPasswordProblems: length in characters after normalization, both sides of each bound", () => {
  expect(findPasswordProblems("tr4mvqz", "u", none)).toEqual(["The password must have at least 8 characters"]);
  expect(findPasswordProblems("tr4mvqzh", "u", none)).toEqual([]);
  expect(findPasswordProblems("🐎🐏🐐🐑🐒🐓🐔", "u", none)).toHaveLength(1);
  expect(findPasswordProblems("🐎🐏🐐🐑🐒🐓🐔🐕", "u", none)).toEqual([]);
  const long = "correct horse battery ".repeat(12).slice(0, maxPasswordBytes);
  expect(findPasswordProblems(long, "u", none)).toEqual([]);
  expect(findPasswordProblems(`${long}!`, "u", none)).toEqual([
    `The password must have at most ${maxPasswordBytes} bytes`,
  ]);
  expect(findPasswordProblems("ﬃ".repeat(86), "u", none)).toContain(
    `The password must have at most ${maxPasswordBytes} bytes`,
  );
});

test("findPasswordProblems: each setting asks for its kind of character", () => {
  for (const [name, bad, good] of [
    ["security.password_require_uppercase", "tramvqzhk", "tramVqzhk"],
    ["security.password_require_numbers", "tramvqzhk", "tramvqzh4"],
    ["security.password_require_special", "tramvqzh4", "tramvqz-4"],
  ] as const) {
    const rules = { ...none, [name]: true };
    expect([name, findPasswordProblems(bad, "u", rules).length]).toEqual([name, 1]);
    expect([name, findPasswordProblems(good, "u", rules)]).toEqual([name, []]);
  }
  expect(findPasswordProblems("tramÜvqz٣", "u", defaults)).toEqual([]);
  expect(findPasswordProblems("tram\u0000vqzh", "u", none)).toEqual(["The password must have no control characters"]);
});

test.each(["Katharina", "katharina", "anirahtak", "Katharina1", "!katharina99"])(
  "findPasswordProblems: %s is the name",
  (password) =>
    expect(findPasswordProblems(password, "katharina", none)).toContain("The password must not be the user's name"),
);

test.each([
  ..."password Password1 P@ssw0rd P@ssw0rd1! passw0rd123 admin123 Admin2024! adminadmin minioadmin maxiofs1 changeme".split(
    " ",
  ),
  ..."12345678 87654321 qwertyuiop 1qaz2wsx q1w2e3r4 abcdefgh aaaaaaaa abababab 11111111 letmein1 welcome123 Summer2026!".split(
    " ",
  ),
])("isCommonPassword: %s is", (password) => expect(isCommonPassword(password)).toBe(true));

test.each(["Correct-Horse-9", "tr4mvqzh", "k7-PQzz-31x", "ulan bator 66 geese"])(
  "isCommonPassword: %s is not",
  (password) => expect(isCommonPassword(password)).toBe(false),
);

test("makePassword: what it makes keeps every rule and is never the same", () => {
  const strict = { ...defaults, "security.password_require_special": true };
  const made = new Set(Array.from({ length: 200 }, () => makePassword(systemRandom)));
  expect(made.size).toBe(200);
  for (const password of made) {
    expect(password).toHaveLength(24);
    expect([password, findPasswordProblems(password, "admin", strict)]).toEqual([password, []]);
  }
});
