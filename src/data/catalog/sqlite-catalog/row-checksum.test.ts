import { expect, test } from "bun:test";
import fc from "fast-check";
import { versionFlag } from "#kernel/protocol/mutation.ts";
import {
  checksumClosed,
  checksumDetail,
  checksumPart,
  checksumState,
  checksumUpload,
  checksumUploadEnd,
  checksumVersion,
} from "./row-checksum.ts";

const version = {
  key: "k",
  hlc: 5,
  flags: versionFlag.latest,
  sizeBytes: 7,
  etag: "e",
  versionId: null,
  detailId: 1,
  fromSeq: 2,
  attributes: null,
};
const part = { uploadId: "u", partNumber: 1, blobId: "b", sizeBytes: 3, etag: "e", checksum: null, hlc: 4 };

test("checksumVersion: changes with every column, but not with the mark of the newest", () => {
  const changes = [
    { key: "l" },
    { hlc: 6 },
    { flags: versionFlag.latest | versionFlag.marker },
    { sizeBytes: 8 },
    { etag: "" },
    { versionId: "x" },
    { detailId: null },
    { fromSeq: 3 },
    { attributes: "{}" },
  ];
  const all = [version, ...changes.map((change) => ({ ...version, ...change }))].map(checksumVersion);
  expect(new Set(all).size).toBe(10);
  expect(checksumVersion({ ...version, flags: 0 })).toBe(checksumVersion(version));
});

test("checksumVersion: a text and the same text elsewhere are not the same", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      fc.pre(a !== b);
      expect(checksumVersion({ ...version, key: a, etag: b })).not.toBe(
        checksumVersion({ ...version, key: b, etag: a }),
      );
    }),
  );
});

test("checksumClosed: adds the commit that closed the version", () => {
  expect(checksumClosed(version, 9, 100)).toBe(checksumVersion(version) + 109);
  expect(Number.isSafeInteger(checksumClosed(version, 2 ** 40, 2 ** 52))).toBe(true);
});

test("checksumPart, checksumUpload, checksumDetail, checksumState: change with every value", () => {
  const parts = [
    part,
    { ...part, uploadId: "v" },
    { ...part, partNumber: 2 },
    { ...part, blobId: "c" },
    { ...part, sizeBytes: 4 },
    { ...part, etag: "f" },
    { ...part, checksum: "" },
    { ...part, hlc: 5 },
  ];
  expect(new Set(parts.map(checksumPart)).size).toBe(8);
  const upload = { uploadId: "u", key: "k", initiatedHlc: 1, meta: "{}" };
  const uploads = [
    upload,
    { ...upload, uploadId: "" },
    { ...upload, key: "" },
    { ...upload, initiatedHlc: 2 },
    { ...upload, meta: "" },
  ];
  expect(new Set(uploads.map(checksumUpload)).size).toBe(5);
  const end = { fingerprint: "f", answer: "a", endedHlc: 1 };
  expect(
    new Set([end, { ...end, fingerprint: "" }, { ...end, answer: "" }, { ...end, endedHlc: 2 }].map(checksumUploadEnd))
      .size,
  ).toBe(4);
  expect(
    new Set([
      checksumDetail(1, "m"),
      checksumDetail(2, "m"),
      checksumDetail(1, "n"),
      checksumDetail(12, ""),
      checksumDetail(1, "2\n"),
    ]).size,
  ).toBe(5);
  expect(new Set([[1, 2], [12], [2, 1], [1, 2, 0]].map(checksumState)).size).toBe(4);
});
