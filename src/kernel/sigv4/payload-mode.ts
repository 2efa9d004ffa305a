import { type HeaderLookup, readHeader } from "../s3/header-lookup.ts";
import { S3Error } from "../s3/s3-error.ts";

/** How the body is framed and what of it is verified before the commit. */
export type PayloadMode =
  /** As is; its SHA-256 must be `hex` (64, lower case). */
  | { readonly kind: "sha256"; readonly hex: string }
  /** As is; only length, Content-MD5 and checksum headers speak for it. */
  | { readonly kind: "unsigned" }
  /** aws-chunked; `signed` chunks carry a chain of signatures, `trailer` is a section of headers after the last one. */
  | { readonly kind: "chunked"; readonly signed: boolean; readonly trailer: boolean };

const unsigned: PayloadMode = { kind: "unsigned" };
const chunkedUnsignedTrailer: PayloadMode = { kind: "chunked", signed: false, trailer: true };
const chunkedSigned: PayloadMode = { kind: "chunked", signed: true, trailer: false };
const chunkedSignedTrailer: PayloadMode = { kind: "chunked", signed: true, trailer: true };

const namesAwsChunked = /(?:^|,)\s*aws-chunked\s*(?:,|$)/i;
const sha256Hex = /^[0-9A-Fa-f]{64}$/;

/**
 * Reads `x-amz-content-sha256`; absent means unsigned.
 * @throws InvalidArgument for an unknown value, NotImplemented for the chunk signatures of SigV4A.
 * Source: AWS "Authenticating Requests: Using the Authorization Header", x-amz-content-sha256.
 */
export function parsePayloadMode(value: string | undefined): PayloadMode {
  if (value === undefined) return unsigned;
  if (sha256Hex.test(value)) return { kind: "sha256", hex: value.toLowerCase() };
  switch (value) {
    case "UNSIGNED-PAYLOAD":
      return unsigned;
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return chunkedUnsignedTrailer;
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
      return chunkedSigned;
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      return chunkedSignedTrailer;
    case "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD":
    case "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER":
      throw new S3Error("NotImplemented", {
        message: "SigV4A is not supported: use AWS4-HMAC-SHA256",
        fields: { Header: "x-amz-content-sha256" },
      });
    default:
      throw new S3Error("InvalidArgument", {
        message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value or a SHA-256 in hex",
        fields: { ArgumentName: "x-amz-content-sha256", ArgumentValue: value },
      });
  }
}

/**
 * Refuses headers that promise a framing, or a trailer, that the body of this mode does not have: the framing would be stored, the
 * checksum never looked at.
 * @throws S3Error InvalidRequest
 */
export function requireFittingHeaders(headers: HeaderLookup, mode: PayloadMode): void {
  const isChunked = mode.kind === "chunked";
  if (!isChunked && namesAwsChunked.test(readHeader(headers, "content-encoding") ?? "")) {
    throw new S3Error("InvalidRequest", {
      message: "Content-Encoding: aws-chunked goes with a STREAMING- value of x-amz-content-sha256",
    });
  }
  const decoded = readHeader(headers, "x-amz-decoded-content-length");
  if (!isChunked && decoded !== undefined && decoded !== readHeader(headers, "content-length")) {
    throw new S3Error("InvalidRequest", {
      message: "x-amz-decoded-content-length goes with a STREAMING- value of x-amz-content-sha256",
    });
  }
  if (!(isChunked && mode.trailer) && readHeader(headers, "x-amz-trailer") !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "x-amz-trailer goes with a STREAMING- value of x-amz-content-sha256 that ends in -TRAILER",
    });
  }
}

/**
 * The mode of a request whose chunks cannot be signed, because it is anonymous or signed by SigV2. Clients that sign
 * nothing omit `x-amz-content-sha256` even when they send chunks: then `Content-Encoding: aws-chunked` tells.
 * @throws as `parsePayloadMode`; InvalidRequest when the chunks claim signatures.
 */
export function parseUnsignedPayloadMode(headers: HeaderLookup): PayloadMode {
  const value = readHeader(headers, "x-amz-content-sha256");
  if (value === undefined && namesAwsChunked.test(readHeader(headers, "content-encoding") ?? "")) {
    return chunkedUnsignedTrailer;
  }
  const mode = parsePayloadMode(value);
  if (mode.kind === "chunked" && mode.signed) {
    throw new S3Error("InvalidRequest", {
      message: "Signed chunks need a request that is signed with AWS4-HMAC-SHA256",
    });
  }
  return mode;
}
