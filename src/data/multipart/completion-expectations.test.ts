import { expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { AssembledObject } from "./assemble-object.ts";
import { checkExpectations, parseExpectations } from "./completion-expectations.ts";

const object: AssembledObject = {
  etag: "e-2",
  sizeBytes: 10,
  checksum: { algorithm: "CRC32", type: "COMPOSITE", value: "AAAAAA==-2" },
  fingerprint: "",
  parts: [],
};

function codeOf(headers: Record<string, string>): string {
  try {
    checkExpectations(parseExpectations(headers), object);
    return "";
  } catch (error) {
    return error instanceof S3Error ? error.code : "unknown";
  }
}

test("checkExpectations: nothing, and all that agrees, is accepted", () => {
  for (const headers of [
    {},
    { "x-amz-mp-object-size": "10" },
    { "x-amz-checksum-type": "composite" },
    { "x-amz-checksum-crc32": "AAAAAA==" },
    { "x-amz-checksum-crc32": "AAAAAA==-2", "x-amz-checksum-type": "COMPOSITE", "x-amz-mp-object-size": "10" },
  ]) {
    expect([headers, codeOf(headers)]).toEqual([headers, ""]);
  }
});

test("checkExpectations: what differs or cannot be read is refused", () => {
  const cases: [Record<string, string>, string][] = [
    [{ "x-amz-mp-object-size": "11" }, "InvalidRequest"],
    [{ "x-amz-mp-object-size": "-1" }, "InvalidRequest"],
    [{ "x-amz-mp-object-size": "" }, "InvalidRequest"],
    [{ "x-amz-checksum-type": "FULL_OBJECT" }, "InvalidRequest"],
    [{ "x-amz-checksum-type": "" }, "InvalidRequest"],
    [{ "x-amz-checksum-crc32c": "AAAAAA==" }, "InvalidRequest"],
    [{ "x-amz-checksum-crc32": "AAAA" }, "InvalidRequest"],
    [{ "x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA==" }, "InvalidRequest"],
    [{ "x-amz-checksum-crc32": "AAAAAQ==" }, "BadDigest"],
    [{ "x-amz-checksum-crc32": "AAAAAA==-3" }, "BadDigest"],
  ];
  for (const [headers, code] of cases) expect([headers, codeOf(headers)]).toEqual([headers, code]);
});
