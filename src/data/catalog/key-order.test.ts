import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareKeys, prefixSuccessor } from "./key-order.ts";

const key = fc.string({ unit: "binary", maxLength: 12 });

test("compareKeys: agrees with the order of UTF-8 bytes", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test("prefixSuccessor: is above every key with the prefix and not above any other larger key", () => {
  fc.assert(
    fc.property(key, key, (prefix, other) => {
      const successor = prefixSuccessor(prefix);
      if (successor === undefined) return;
      expect(compareKeys(prefix + other, successor)).toBeLessThan(0);
      if (compareKeys(other, prefix) > 0 && !other.startsWith(prefix))
        expect(compareKeys(other, successor)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test("prefixSuccessor: has none for the empty prefix and for U+10FFFF", () => {
  expect(prefixSuccessor("")).toBeUndefined();
  expect(prefixSuccessor("\u{10FFFF}\u{10FFFF}")).toBeUndefined();
  expect(prefixSuccessor("a\u{10FFFF}")).toBe("b");
  expect(prefixSuccessor("\uD7FF")).toBe("\uE000");
});
