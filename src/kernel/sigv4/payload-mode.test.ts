import { expect, test } from "bun:test";
import { S3Error } from "../s3/s3-error.ts";
import { type PayloadMode, parsePayloadMode, parseUnsignedPayloadMode, requireFittingHeaders } from "./payload-mode.ts";

test("parsePayloadMode: knows every value of the table", () => {
  const hex = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
  expect(parsePayloadMode(hex)).toEqual({ kind: "sha256", hex: hex.toLowerCase() });
  expect(parsePayloadMode("UNSIGNED-PAYLOAD")).toEqual({ kind: "unsigned" });
  expect(parsePayloadMode(undefined)).toEqual({ kind: "unsigned" });
  expect(parsePayloadMode("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")).toEqual({
    kind: "chunked",
    signed: true,
    trailer: false,
  });
  expect(parsePayloadMode("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")).toEqual({
    kind: "chunked",
    signed: true,
    trailer: true,
  });
  expect(parsePayloadMode("STREAMING-UNSIGNED-PAYLOAD-TRAILER")).toEqual({
    kind: "chunked",
    signed: false,
    trailer: true,
  });
});

test("parsePayloadMode: refuses SigV4A and unknown values", () => {
  const codeOf = (value: string) => {
    try {
      return parsePayloadMode(value);
    } catch (error) {
      return error instanceof S3Error ? error.code : error;
    }
  };
  expect(codeOf("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")).toBe("NotImplemented");
  expect(codeOf("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER")).toBe("NotImplemented");
  for (const value of ["", "unsigned-payload", "e3b0", "STREAMING-UNSIGNED-PAYLOAD", `${"a".repeat(63)}g`]) {
    expect(codeOf(value)).toBe("InvalidArgument");
  }
});

test("parseUnsignedPayloadMode: chunks by header or encoding, never signed", () => {
  const chunked = { kind: "chunked", signed: false, trailer: true } as const;
  const modeOf = (contentEncoding: string | undefined, contentSha256?: string) =>
    parseUnsignedPayloadMode({ "content-encoding": contentEncoding, "x-amz-content-sha256": contentSha256 });
  expect(modeOf("gzip, aws-chunked")).toEqual(chunked);
  expect(modeOf(undefined, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")).toEqual(chunked);
  expect(modeOf("gzip")).toEqual({ kind: "unsigned" });
  expect(modeOf("aws-chunked", "UNSIGNED-PAYLOAD")).toEqual({ kind: "unsigned" });
  expect(() => modeOf(undefined, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")).toThrow("Signed chunks");
});

test("requireFittingHeaders: a framing or a trailer that the body does not have is refused", () => {
  const codeOf = (headers: Record<string, string>, mode: PayloadMode) => {
    try {
      requireFittingHeaders(headers, mode);
      return "";
    } catch (error) {
      return error instanceof S3Error ? error.code : error;
    }
  };
  const plain = [{ kind: "unsigned" }, { kind: "sha256", hex: "a".repeat(64) }] as const;
  for (const mode of plain) {
    expect(codeOf({ "content-encoding": "gzip" }, mode)).toBe("");
    for (const encoding of ["aws-chunked", "AWS-Chunked,gzip", "gzip, aws-chunked"])
      expect(codeOf({ "content-encoding": encoding }, mode)).toBe("InvalidRequest");
    expect(codeOf({ "x-amz-trailer": "x-amz-checksum-crc32" }, mode)).toBe("InvalidRequest");
    expect(codeOf({ "x-amz-decoded-content-length": "5", "content-length": "9" }, mode)).toBe("InvalidRequest");
    expect(codeOf({ "x-amz-decoded-content-length": "9", "content-length": "9" }, mode)).toBe("");
  }
  const both = { "content-encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32" };
  expect(codeOf(both, { kind: "chunked", signed: true, trailer: true })).toBe("");
  expect(codeOf(both, { kind: "chunked", signed: true, trailer: false })).toBe("InvalidRequest");
});
