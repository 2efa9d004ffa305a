import { expect, test } from "bun:test";
import fc from "fast-check";
import { randomBytes } from "#kernel/base/random.ts";
import { KeyUnwrapError, keyIdentity, makeDataKey, ObjectKeyRing, openKey, sealKey } from "./object-key-ring.ts";

const older = { version: 1, key: randomBytes(32) };
const newer = { version: 2, key: randomBytes(32) };
const identity = keyIdentity("bucket", "key");

test("ObjectKeyRing: wraps with the newest key and opens what older ones wrapped", () => {
  const dataKey = makeDataKey();
  const early = new ObjectKeyRing([older]).wrap(dataKey, identity);
  const ring = new ObjectKeyRing([older, newer]);
  const late = ring.wrap(dataKey, identity);
  expect([early.version, late.version]).toEqual([1, 2]);
  expect(Buffer.compare(ring.unwrap(early, identity), dataKey)).toBe(0);
  expect(Buffer.compare(ring.unwrap(late, identity), dataKey)).toBe(0);
});

test("ObjectKeyRing: needs at least one key", () => {
  expect(() => new ObjectKeyRing([])).toThrow("no key-encryption key");
});

test("unwrap: an unknown version, another identity and another ring are refused", () => {
  const ring = new ObjectKeyRing([older]);
  const wrapped = ring.wrap(makeDataKey(), identity);
  expect(() => ring.unwrap({ ...wrapped, version: 9 }, identity)).toThrow(KeyUnwrapError);
  expect(() => ring.unwrap(wrapped, keyIdentity("bucket", "other"))).toThrow(KeyUnwrapError);
  expect(() => ring.unwrap(wrapped, keyIdentity("other", "key"))).toThrow(KeyUnwrapError);
  expect(() => new ObjectKeyRing([{ version: 1, key: randomBytes(32) }]).unwrap(wrapped, identity)).toThrow(
    KeyUnwrapError,
  );
});

test("openKey: every flipped bit and every cut is found", () => {
  const sealed = Buffer.from(sealKey(older.key, makeDataKey(), identity), "base64");
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const damaged = Buffer.from(sealed);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => openKey(older.key, damaged.toString("base64"), identity)).toThrow(KeyUnwrapError);
  }
  for (let length = 0; length < sealed.length; length++) {
    expect(() => openKey(older.key, sealed.subarray(0, length).toString("base64"), identity)).toThrow(KeyUnwrapError);
  }
});

test("wrap: the same data key never looks the same twice", () => {
  const ring = new ObjectKeyRing([older]);
  const dataKey = makeDataKey();
  const seen = new Set(Array.from({ length: 100 }, () => ring.wrap(dataKey, identity).sealed));
  expect(seen.size).toBe(100);
});

test("keyIdentity: no two pairs of bucket id and key have the same", () => {
  const place = fc.tuple(fc.stringMatching(/^[0-9A-Z]{1,26}$/), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(place, place, ([bucketA, keyA], [bucketB, keyB]) => {
      fc.pre(bucketA !== bucketB || keyA !== keyB);
      expect(keyIdentity(bucketA, keyA)).not.toBe(keyIdentity(bucketB, keyB));
    }),
  );
});
