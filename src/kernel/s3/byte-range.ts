import { S3Error } from "./s3-error.ts";

/** Bytes `start` up to, not including, `end`. Never empty. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const rangeShape = /^bytes=(\d*)-(\d*)$/i;
const copyRangeShape = /^bytes=(\d+)-(\d+)$/;

/**
 * Parses the `Range` header of a read. Undefined means: ignore it and serve everything with 200 (no header, other unit,
 * several ranges, malformed, first after last). The end is clipped to the object; a suffix longer than it gives all of it.
 * @throws S3Error InvalidRange (RangeRequested, ActualObjectSize) when the start is beyond the end, for `-0`, and for any
 * well-formed range of an empty object.
 * Source: RFC 9110 section 14.1.2, https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = rangeShape.exec(header);
  if (match === null) return undefined;
  const first = match[1] ?? "";
  const last = match[2] ?? "";
  if (first === "") {
    if (last === "") return undefined;
    const suffixBytes = Number(last);
    if (suffixBytes === 0 || sizeBytes === 0) throw unsatisfiable(header, sizeBytes);
    return { start: Math.max(0, sizeBytes - suffixBytes), end: sizeBytes };
  }
  const start = Number(first);
  if (last !== "" && isAfter(first, last)) return undefined;
  if (start >= sizeBytes) throw unsatisfiable(header, sizeBytes);
  return { start, end: last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1) };
}

/**
 * Parses `x-amz-copy-source-range`: `bytes=first-last`, both inside the source.
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue) in any other case.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 */
export function parseCopyRange(text: string, sourceSizeBytes: number): ByteRange {
  const match = copyRangeShape.exec(text);
  const start = Number(match?.[1] ?? Number.NaN);
  const last = Number(match?.[2] ?? Number.NaN);
  if (start <= last && last < sourceSizeBytes) return { start, end: last + 1 };
  throw new S3Error("InvalidArgument", {
    message:
      match === null
        ? "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
        : `Range specified is not valid for source object of size: ${sourceSizeBytes}`,
    fields: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: text },
  });
}

/** Compares decimal texts; exact where numbers would round. */
function isAfter(first: string, last: string): boolean {
  if (first.length < 16 && last.length < 16) return Number(first) > Number(last);
  return BigInt(first) > BigInt(last);
}

function unsatisfiable(header: string, sizeBytes: number): S3Error {
  return new S3Error("InvalidRange", { fields: { RangeRequested: header, ActualObjectSize: sizeBytes } });
}
