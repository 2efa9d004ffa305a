import { expect, test } from "bun:test";
import fc from "fast-check";
import { ContinuationTokens } from "./continuation-token.ts";

const older = { version: 1, key: new Uint8Array(32).fill(1) };
const newer = { version: 2, key: new Uint8Array(32).fill(2) };
const scope = { bucketId: "BUCKET", prefix: "p/", delimiter: "/" };
const tokens = new ContinuationTokens([older, newer]);

test("ContinuationTokens: opens what it made, for any marker", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 100 }), (marker) => {
      const token = tokens.make(scope, marker);
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(tokens.open(scope, token)).toBe(marker);
    }),
  );
});

test("ContinuationTokens: another bucket, prefix or delimiter refuses a token", () => {
  const token = tokens.make(scope, "p/a");
  for (const foreign of [{ bucketId: "OTHER" }, { prefix: "p" }, { prefix: "" }, { delimiter: "" }]) {
    expect(() => tokens.open({ ...scope, ...foreign }, token)).toThrow("The continuation token provided is incorrect");
  }
});

test("ContinuationTokens: every altered character, a shorter, a longer and an empty token are refused", () => {
  const token = tokens.make(scope, "p/key");
  for (let index = 0; index < token.length; index++) {
    const altered = `${token.slice(0, index)}${token[index] === "A" ? "B" : "A"}${token.slice(index + 1)}`;
    expect(() => tokens.open(scope, altered)).toThrow("incorrect");
  }
  for (const bad of ["", "abc", token.slice(0, -1), `${token}A`, `${token}=`, ` ${token}`, "A".repeat(22)])
    expect(() => tokens.open(scope, bad)).toThrow("incorrect");
});

test("ContinuationTokens: a rotation interrupts no listing, a foreign key makes no token", () => {
  const before = new ContinuationTokens([older]).make(scope, "p/a");
  expect(tokens.open(scope, before)).toBe("p/a");
  expect(tokens.make(scope, "p/a")).not.toBe(before);
  expect(() => new ContinuationTokens([newer]).open(scope, before)).toThrow("incorrect");
});
