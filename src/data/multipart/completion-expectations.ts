import { type ChecksumType, type ExpectedObjectChecksum, parseObjectChecksumHeaders } from "#kernel/s3/checksum.ts";
import { type HeaderLookup, readHeader } from "#kernel/s3/header-lookup.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { AssembledObject } from "./assemble-object.ts";

/** What the client says of the object that its parts must make. */
export interface CompletionExpectations {
  readonly checksum: ExpectedObjectChecksum | undefined;
  readonly type: ChecksumType | undefined;
  readonly sizeBytes: number | undefined;
}

/**
 * Reads `x-amz-checksum-*`, `x-amz-checksum-type` and `x-amz-mp-object-size` of CompleteMultipartUpload.
 * @throws S3Error InvalidRequest when one of them cannot be understood
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export function parseExpectations(headers: HeaderLookup): CompletionExpectations {
  return {
    checksum: parseObjectChecksumHeaders(headers),
    type: parseType(readHeader(headers, "x-amz-checksum-type")),
    sizeBytes: parseSize(readHeader(headers, "x-amz-mp-object-size")),
  };
}

/**
 * Compares the object with what the client expects of it; a size that is not known is not compared.
 * @throws S3Error InvalidRequest (size, checksum type or algorithm), BadDigest (ExpectedDigest, CalculatedDigest)
 */
export function checkExpectations(
  { checksum, type, sizeBytes }: CompletionExpectations,
  object: Pick<AssembledObject, "checksum"> & { readonly sizeBytes: number | undefined },
): void {
  if (sizeBytes !== undefined && object.sizeBytes !== undefined && sizeBytes !== object.sizeBytes) {
    throw new S3Error("InvalidRequest", {
      message: `The provided 'x-amz-mp-object-size' header value ${sizeBytes} does not match what was computed: ${object.sizeBytes}`,
    });
  }
  const found = object.checksum;
  if (type !== undefined && type !== found.type) {
    throw new S3Error("InvalidRequest", {
      message: `The upload was created using the ${found.type} checksum mode. The complete request must use the same checksum mode`,
    });
  }
  if (checksum === undefined) return;
  if (checksum.algorithm !== found.algorithm) {
    throw new S3Error("InvalidRequest", {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${found.algorithm.toLowerCase()}, actual checksum Type: ${checksum.algorithm.toLowerCase()}`,
    });
  }
  const [base64, count] = found.value.split("-");
  const isSameCount = checksum.partCount === undefined || String(checksum.partCount) === count;
  if (checksum.expectedBase64 === base64 && isSameCount) return;
  const expected =
    checksum.partCount === undefined ? checksum.expectedBase64 : `${checksum.expectedBase64}-${checksum.partCount}`;
  throw new S3Error("BadDigest", {
    message: `The ${found.algorithm} you specified did not match the calculated checksum`,
    fields: { ExpectedDigest: expected, CalculatedDigest: found.value },
  });
}

function parseType(text: string | undefined): ChecksumType | undefined {
  if (text === undefined) return undefined;
  const upper = text.toUpperCase();
  if (upper === "COMPOSITE" || upper === "FULL_OBJECT") return upper;
  throw new S3Error("InvalidRequest", { message: "Value for x-amz-checksum-type header is invalid." });
}

function parseSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error("InvalidRequest", { message: "Value for x-amz-mp-object-size header is invalid." });
}
