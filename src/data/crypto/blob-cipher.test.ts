import { expect, test } from "bun:test";
import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { randomBytes } from "#kernel/base/random.ts";
import {
  computeSegmentTag,
  countSegments,
  deriveBlobKeys,
  equalTags,
  findBrokenSegment,
  openCounterStream,
  segmentBytes,
  tagBytes,
} from "./blob-cipher.ts";

const key = randomBytes(32);

test("deriveBlobKeys: two keys, apart from each other and from those of every other blob and data key", () => {
  const keys = [deriveBlobKeys(key, "a"), deriveBlobKeys(key, "b"), deriveBlobKeys(randomBytes(32), "a")];
  const all = keys.flatMap(({ encryption, authentication }) => [encryption, authentication]);
  expect(all.every((each) => each.length === 32)).toBe(true);
  expect(new Set(all.map((each) => Buffer.from(each).toString("hex"))).size).toBe(6);
  expect(deriveBlobKeys(key, "a")).toEqual(deriveBlobKeys(key, "a"));
});

test("openCounterStream: from any block on it gives what the stream from the start gives there", () => {
  const plaintext = randomBytes(5_000);
  const whole = Buffer.from(openCounterStream(key, 0).update(plaintext));
  fc.assert(
    fc.property(fc.nat({ max: 312 }), fc.nat({ max: 5_000 }), (block, length) => {
      const part = openCounterStream(key, block * 16).update(plaintext.subarray(block * 16, block * 16 + length));
      expect(Buffer.compare(part, whole.subarray(block * 16, block * 16 + length))).toBe(0);
    }),
  );
});

test("openCounterStream: the counter of block 2^32 does not wrap", () => {
  const zeros = new Uint8Array(32);
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(1, 8);
  const wanted = createCipheriv("aes-256-ctr", key, iv).update(zeros);
  expect(Buffer.compare(openCounterStream(key, 2 ** 36).update(zeros), wanted)).toBe(0);
  const across = openCounterStream(key, 2 ** 36 - 16).update(zeros);
  expect(Buffer.compare(across.subarray(16), wanted.subarray(0, 16))).toBe(0);
});

test("computeSegmentTag: depends on key, index, whether it is the last, and every byte", () => {
  const bytes = randomBytes(100);
  const tag = computeSegmentTag(key, { index: 5, last: false }, bytes);
  expect(tag.length).toBe(tagBytes);
  const others = [
    computeSegmentTag(randomBytes(32), { index: 5, last: false }, bytes),
    computeSegmentTag(key, { index: 6, last: false }, bytes),
    computeSegmentTag(key, { index: 5 + 2 ** 32, last: false }, bytes),
    computeSegmentTag(key, { index: 5, last: true }, bytes),
    computeSegmentTag(key, { index: 5, last: false }, bytes.subarray(1)),
  ];
  for (const other of others) expect(equalTags(tag, 0, other)).toBe(false);
  expect(equalTags(tag, 0, computeSegmentTag(key, { index: 5, last: false }, bytes.slice()))).toBe(true);
});

test("countSegments: at least one, and one more from each 64 KiB on", () => {
  expect([0, 1, segmentBytes, segmentBytes + 1, 5 * 2 ** 30].map(countSegments)).toEqual([1, 1, 1, 2, 81_920]);
});

test("equalTags: a tag that is cut off is never equal", () => {
  const tag = new Uint8Array(16);
  expect(equalTags(tag, 0, new Uint8Array(16))).toBe(true);
  expect(equalTags(tag, 1, new Uint8Array(16).fill(1))).toBe(false);
  expect(equalTags(new Uint8Array(0), 0, new Uint8Array(0))).toBe(false);
});

test("findBrokenSegment: names the first segment that does not fit its tag, also in a run that begins inside of a blob", () => {
  const key = randomBytes(32);
  const sizeBytes = 5 * segmentBytes + 7;
  const [firstSegment, count] = [3, 3];
  const ciphertext = randomBytes(sizeBytes).subarray(firstSegment * segmentBytes);
  const tags = Buffer.concat([
    Buffer.alloc(tagBytes),
    ...Array.from({ length: count }, (_, i) =>
      computeSegmentTag(
        key,
        { index: firstSegment + i, last: i === count - 1 },
        ciphertext.subarray(i * segmentBytes, (i + 1) * segmentBytes),
      ),
    ),
  ]);
  const run = { ciphertext, firstSegment, sizeBytes, tags, tagsOffset: tagBytes };
  expect(findBrokenSegment(key, run)).toBeUndefined();
  for (let i = 0; i < count; i++) {
    const broken = Buffer.from(ciphertext);
    broken[i * segmentBytes] = (broken[i * segmentBytes] ?? 0) ^ 1;
    expect(findBrokenSegment(key, { ...run, ciphertext: broken })).toBe(firstSegment + i);
  }
  expect(findBrokenSegment(key, { ...run, sizeBytes: sizeBytes + segmentBytes })).toBe(5);
  expect(findBrokenSegment(key, { ...run, tagsOffset: 0 })).toBe(3);
});
