import { expect, test } from "bun:test";
import { DamagedBytesError, openInline, sealedInlineBytes, sealInline } from "./inline-body.ts";
import { makeDataKey } from "./object-key-ring.ts";

const sizes = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 131_072];

function seal(dataKey: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const sealed = sealInline(dataKey, plaintext);
  expect(sealed.length).toBe(sealedInlineBytes(plaintext.length));
  return sealed;
}

test.each(sizes)("openInline: gives back %d bytes", (size) => {
  const key = makeDataKey();
  const plaintext = crypto.getRandomValues(new Uint8Array(65_536)).subarray(0, Math.min(size, 65_536));
  const whole = new Uint8Array(size);
  whole.set(plaintext.subarray(0, size));
  expect(Buffer.compare(openInline(key, seal(key, whole), size), whole)).toBe(0);
});

test("openInline: every flipped bit of ciphertext and tag is found", () => {
  const key = makeDataKey();
  const sealed = seal(key, new Uint8Array(40).fill(7));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const damaged = sealed.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => openInline(key, damaged, 40)).toThrow(DamagedBytesError);
  }
});

test("openInline: truncation, a wrong length and another object's key are found", () => {
  const key = makeDataKey();
  const sealed = seal(key, new Uint8Array(1000).fill(1));
  expect(() => openInline(key, sealed.subarray(0, 900), 884)).toThrow(DamagedBytesError);
  expect(() => openInline(key, sealed, 999)).toThrow(DamagedBytesError);
  expect(() => openInline(makeDataKey(), sealed, 1000)).toThrow(DamagedBytesError);
});

test("sealInline: the plaintext is not in the result", () => {
  const plaintext = Buffer.from("a plain sentence that must not be found at rest ".repeat(4));
  expect(Buffer.from(seal(makeDataKey(), plaintext)).includes("plain sentence")).toBe(false);
});
