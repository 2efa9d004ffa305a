import { expect, test } from "bun:test";
import fc from "fast-check";
import { checksumSpecs } from "#kernel/s3/checksum.ts";
import { encodePartChecksums, findPartChecksum, type PartChecksum, parsePartChecksums } from "./part-checksum.ts";

const partChecksum: fc.Arbitrary<PartChecksum> = fc.record({
  algorithm: fc.constantFrom(...checksumSpecs.map(({ name }) => name)),
  value: fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("base64")),
});

test("encodePartChecksums: what was encoded is parsed again, the object's first, each algorithm once", () => {
  fc.assert(
    fc.property(partChecksum, fc.option(partChecksum), (object, own) => {
      const text = encodePartChecksums(object, own);
      const expected = own === null || own.algorithm === object.algorithm ? [object] : [object, own];
      expect(parsePartChecksums(text)).toEqual(expected);
      for (const { algorithm, value } of expected) expect(findPartChecksum(text, algorithm)).toBe(value);
    }),
  );
});

test("parsePartChecksums: null and text that is none have no checksums", () => {
  expect(parsePartChecksums(null)).toEqual([]);
  expect(parsePartChecksums("")).toEqual([]);
  expect(parsePartChecksums("CRC9:AAAA")).toEqual([]);
});
