import { expect, test } from "bun:test";
import { textsAreEqual } from "./texts-are-equal.ts";

test.each([
  ["", "", true],
  ["secret", "secret", true],
  ["secret", "secreT", false],
  ["secret", "secre", false],
  ["", "secret", false],
  // A character whose low byte is that of the wanted one must not pass.
  ["ab\u0163", "abc", false],
])("textsAreEqual: %p and %p: %p", (seen, wanted, equal) => expect(textsAreEqual(seen, wanted)).toBe(equal));
