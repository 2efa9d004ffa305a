import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeCommitRecord, encodeCommitRecord, recordVersion } from "./commit-record.ts";

const header = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)));

test("decodeCommitRecord: gives back any header, and unknown fields with it", () => {
  fc.assert(
    fc.property(header, (fields) => {
      const wanted = JSON.parse(JSON.stringify({ recordVersion, ...fields }));
      expect(decodeCommitRecord(encodeCommitRecord(fields))).toEqual(wanted);
    }),
  );
});

test("decodeCommitRecord: every flipped bit and every cut is found", () => {
  const record = encodeCommitRecord({ key: "ключ", hlc: 1, versionId: null });
  for (let bit = 0; bit < record.length * 8; bit++) {
    const damaged = Uint8Array.from(record);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => decodeCommitRecord(damaged)).toThrow("Commit record");
  }
  for (let length = 0; length < record.length; length++)
    expect(() => decodeCommitRecord(record.subarray(0, length))).toThrow("length");
});

test("encodeCommitRecord: the checksum is CRC-32C", () => {
  const record = Buffer.from(encodeCommitRecord({ key: "k" }));
  const length = record.readUInt32LE(0);
  expect(record.length).toBe(length + 8);
  expect(record.readUInt32LE(4 + length)).toBe(referenceCrc32c(record.subarray(4, 4 + length)));
  expect(referenceCrc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

/** Bit by bit. Source: RFC 3720, appendix B.4. */
function referenceCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
