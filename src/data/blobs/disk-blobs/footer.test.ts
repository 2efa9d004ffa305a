import { expect, test } from "bun:test";
import fc from "fast-check";
import { DamagedBytesError } from "../../crypto/inline-body.ts";
import type { BlobFacts } from "../blobs.ts";
import { encodeFooter, parseFooter, parseTrailer, trailerBytes } from "./footer.ts";

const facts: BlobFacts = {
  bucketId: "b",
  key: "ключ/\u{1F600}",
  wrappedKey: { version: 1, sealed: "x" },
  etag: "e",
  uploadId: "u",
  partNumber: 3,
};

function parse(footer: Uint8Array): unknown {
  const { jsonBytes, crc } = parseTrailer(footer.subarray(footer.length - trailerBytes));
  if (footer.length < trailerBytes + jsonBytes) throw new DamagedBytesError("cut off");
  return parseFooter(footer.subarray(footer.length - trailerBytes - jsonBytes, footer.length - trailerBytes), crc);
}

test("parseFooter: gives back what encodeFooter wrote, for any key", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.nat(), (key, sizeBytes) => {
      const wellFormed = key.toWellFormed();
      const footer = encodeFooter("id", sizeBytes, { ...facts, key: wellFormed });
      expect(parse(footer)).toEqual({
        footerVersion: 1,
        blobId: "id",
        sizeBytes,
        segmentBytes: 65_536,
        ...facts,
        key: wellFormed,
      });
    }),
  );
});

test("parseFooter, parseTrailer: every flipped bit is found", () => {
  const footer = encodeFooter("id", 5, facts);
  for (let bit = 0; bit < footer.length * 8; bit++) {
    const damaged = Uint8Array.from(footer);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => parse(damaged)).toThrow(DamagedBytesError);
  }
});

test("parseTrailer: a short one, and a length that nothing may have, are refused before anything is allocated", () => {
  const footer = Buffer.from(encodeFooter("id", 5, facts));
  expect(() => parseTrailer(footer.subarray(-15))).toThrow(DamagedBytesError);
  footer.writeUInt32LE(65_537, footer.length - 16);
  expect(() => parseTrailer(footer.subarray(-16))).toThrow("too large");
});
