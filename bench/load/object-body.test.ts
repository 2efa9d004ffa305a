import { expect, test } from "bun:test";
import fc from "fast-check";
import { bodyMatches, makeBodies } from "./object-body.ts";

test("makeBodies: gives the same different bodies every time", () => {
  const shape = { sizeBytes: 100, variants: 3 };
  const [first, again] = [makeBodies(shape), makeBodies(shape)];
  expect(first.map((body) => body.etag)).toEqual(again.map((body) => body.etag));
  expect(new Set(first.map((body) => body.sha256)).size).toBe(3);
});

test("bodyMatches: accepts every slice of a repeating body and no other bytes", () => {
  const sizeBytes = 20 * 1024 * 1024;
  const [body] = makeBodies({ sizeBytes, variants: 1 });
  if (body === undefined) throw new RangeError("No body");
  const whole = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += body.pattern.length) whole.set(body.pattern.subarray(0, sizeBytes - at), at);
  expect(body.sha256).toBe(Bun.SHA256.hash(whole, "hex"));
  expect(body.etag).toBe(`"${new Bun.CryptoHasher("md5").update(whole).digest("hex")}"`);
  const slice = fc.tuple(fc.nat(sizeBytes - 1), fc.integer({ min: 1, max: 600_000 }), fc.nat(1_000_000));
  fc.assert(
    fc.property(slice, ([start, length, flip]) => {
      const piece = Buffer.from(whole.subarray(start, start + length));
      expect(bodyMatches(body, start, piece)).toBe(true);
      const at = flip % piece.length;
      piece[at] = (piece[at] ?? 0) ^ 1;
      expect(bodyMatches(body, start, piece)).toBe(false);
    }),
  );
  expect(bodyMatches(body, sizeBytes - 1, whole.subarray(0, 2))).toBe(false);
});
