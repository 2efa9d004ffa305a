import { expect, test } from "bun:test";
import fc from "fast-check";
import { systemRandom } from "#kernel/base/random.ts";
import { SealBrokenError, Sealer } from "./seal.ts";

const place = { table: "access_keys", row: "AKIA", column: "sealed_secret" };
const sealer = new Sealer(new Uint8Array(32).fill(1), systemRandom);

test("Sealer: opens what it sealed, never to the same text twice", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (plaintext) => {
      const sealed = sealer.seal(plaintext, place);
      expect(Buffer.compare(sealer.open(sealed, place), plaintext)).toBe(0);
      expect(sealer.seal(plaintext, place)).not.toBe(sealed);
    }),
  );
});

test("Sealer: another key, another place and each flipped bit are refused", () => {
  const sealed = sealer.seal(Buffer.from("secret"), place);
  expect(() => new Sealer(new Uint8Array(32).fill(2), systemRandom).open(sealed, place)).toThrow(SealBrokenError);
  for (const other of [
    { ...place, row: "AKIB" },
    { ...place, table: "x" },
    { ...place, column: "x" },
  ]) {
    expect(() => sealer.open(sealed, other)).toThrow(SealBrokenError);
  }
  const bytes = Buffer.from(sealed, "base64");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => sealer.open(changed.toString("base64"), place)).toThrow(SealBrokenError);
  }
  expect(() => sealer.open("AAAA", place)).toThrow(SealBrokenError);
});
