import { expect, test } from "bun:test";
import {
  checksumAlgorithms,
  checksumSpecs,
  parseChecksumAlgorithm,
  parseChecksumHeaders,
  parseChecksumValue,
  parseObjectChecksumHeaders,
  parseTrailerAnnouncement,
  resolveMultipartChecksum,
} from "./checksum.ts";

const invalidRequest = expect.objectContaining({ code: "InvalidRequest", status: 400 });
const zeros = (length: number, fill = 0): string => Buffer.alloc(length, fill).toString("base64");

test("checksumAlgorithms: names, headers, lengths", () => {
  expect(checksumSpecs.map((spec) => [spec.header, spec.element, spec.digestBytes])).toEqual([
    ["x-amz-checksum-crc32", "ChecksumCRC32", 4],
    ["x-amz-checksum-crc32c", "ChecksumCRC32C", 4],
    ["x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8],
    ["x-amz-checksum-sha1", "ChecksumSHA1", 20],
    ["x-amz-checksum-sha256", "ChecksumSHA256", 32],
    ["x-amz-checksum-sha512", "ChecksumSHA512", 64],
    ["x-amz-checksum-md5", "ChecksumMD5", 16],
    ["x-amz-checksum-xxhash64", "ChecksumXXHASH64", 8],
    ["x-amz-checksum-xxhash3", "ChecksumXXHASH3", 8],
    ["x-amz-checksum-xxhash128", "ChecksumXXHASH128", 16],
  ]);
});

test("parseChecksumHeaders: none, and each algorithm with values of its length only", () => {
  expect(
    parseChecksumHeaders({ "x-amz-checksum-mode": "ENABLED", "x-amz-checksum-type": "COMPOSITE" }),
  ).toBeUndefined();
  for (const spec of checksumSpecs) {
    for (const fill of [0, 0xff, 0x5a]) {
      const expectedBase64 = zeros(spec.digestBytes, fill);
      expect(parseChecksumHeaders({ [spec.header]: expectedBase64 })).toEqual({ algorithm: spec.name, expectedBase64 });
    }
    const bad = [
      "",
      zeros(spec.digestBytes - 1),
      zeros(spec.digestBytes + 1),
      `${zeros(spec.digestBytes)}\n`,
      zeros(spec.digestBytes).replace("A", "!"),
      `${zeros(spec.digestBytes)}-2`,
    ];
    for (const value of bad) expect(() => parseChecksumHeaders({ [spec.header]: value })).toThrow(invalidRequest);
  }
});

test("parseChecksumHeaders: base64 with bits beyond the digest is refused", () => {
  expect(() => parseChecksumHeaders({ "x-amz-checksum-crc32": "AAAAAB==" })).toThrow(invalidRequest);
  expect(() => parseChecksumHeaders({ "x-amz-checksum-crc64nvme": "AAAAAAAAAAB=" })).toThrow(invalidRequest);
});

test("parseChecksumHeaders: two checksums are refused", () => {
  const headers = { "x-amz-checksum-crc32": zeros(4), "x-amz-checksum-sha1": zeros(20) };
  expect(() => parseChecksumHeaders(headers)).toThrow(invalidRequest);
  expect(() => parseChecksumHeaders({ "x-amz-checksum-crc32": [zeros(4), zeros(4)] })).toThrow(invalidRequest);
});

test("parseObjectChecksumHeaders: plain and with part count", () => {
  expect(parseObjectChecksumHeaders({})).toBeUndefined();
  expect(parseObjectChecksumHeaders({ "x-amz-checksum-crc32": zeros(4) })).toEqual({
    algorithm: "CRC32",
    expectedBase64: zeros(4),
  });
  expect(parseObjectChecksumHeaders({ "x-amz-checksum-sha256": `${zeros(32)}-10000` })).toEqual({
    algorithm: "SHA256",
    expectedBase64: zeros(32),
    partCount: 10_000,
  });
  for (const suffix of ["-", "-0", "-01", "-x", "--1"]) {
    expect(() => parseObjectChecksumHeaders({ "x-amz-checksum-crc32": zeros(4) + suffix })).toThrow(invalidRequest);
  }
});

test("parseTrailerAnnouncement: exactly one checksum", () => {
  expect(parseTrailerAnnouncement({})).toBeUndefined();
  expect(parseTrailerAnnouncement({ "x-amz-trailer": "x-amz-checksum-crc32c" })).toBe("CRC32C");
  expect(parseTrailerAnnouncement({ "x-amz-trailer": " X-Amz-Checksum-CRC64NVME " })).toBe("CRC64NVME");
  for (const value of ["x-amz-checksum-foo", "x-amz-meta-a", "x-amz-checksum-crc32,x-amz-checksum-sha1"]) {
    expect(() => parseTrailerAnnouncement({ "x-amz-trailer": value })).toThrow(invalidRequest);
  }
  expect(() =>
    parseTrailerAnnouncement({ "x-amz-trailer": "x-amz-checksum-crc32", "x-amz-checksum-crc32": zeros(4) }),
  ).toThrow(invalidRequest);
});

test("parseChecksumValue: checks the length of a trailer", () => {
  expect(parseChecksumValue("CRC32", "NhCmhg==")).toBe("NhCmhg==");
  expect(() => parseChecksumValue("CRC32C", zeros(8))).toThrow(invalidRequest);
});

test("parseChecksumAlgorithm: any case, known names only", () => {
  for (const spec of checksumSpecs) expect(parseChecksumAlgorithm(spec.name.toLowerCase())).toBe(spec.name);
  for (const text of ["", "CRC", "sha-256", "__proto__"])
    expect(() => parseChecksumAlgorithm(text)).toThrow(invalidRequest);
});

test("resolveMultipartChecksum: types by algorithm", () => {
  expect(resolveMultipartChecksum(undefined, undefined)).toBeUndefined();
  for (const { name } of checksumSpecs) {
    const full = name === "CRC64NVME" || name === "CRC32" || name === "CRC32C";
    const composite = name !== "CRC64NVME";
    expect(resolveMultipartChecksum(name, undefined)).toEqual({
      algorithm: name,
      type: composite ? "COMPOSITE" : "FULL_OBJECT",
    });
    for (const [type, allowed] of [
      ["FULL_OBJECT", full],
      ["COMPOSITE", composite],
    ] as const) {
      if (allowed) expect(resolveMultipartChecksum(name, type)).toEqual({ algorithm: name, type });
      else expect(() => resolveMultipartChecksum(name, type)).toThrow(invalidRequest);
    }
  }
  expect(() => resolveMultipartChecksum(undefined, "FULL_OBJECT")).toThrow(invalidRequest);
  expect(() => resolveMultipartChecksum("CRC32", "PARTIAL")).toThrow(invalidRequest);
  expect(checksumAlgorithms.CRC32.multipartTypes[0]).toBe("COMPOSITE");
});

test("parseChecksumHeaders: a checksum that nobody knows is refused, what else has such a name is none", () => {
  expect(() => parseChecksumHeaders({ "x-amz-checksum-foo": "AAAA" })).toThrow(invalidRequest);
  const options = {
    "x-amz-checksum-algorithm": "CRC32",
    "x-amz-checksum-type": "FULL_OBJECT",
    "x-amz-checksum-mode": "ENABLED",
  };
  expect(parseChecksumHeaders(options)).toBeUndefined();
});
