import { type ByteRange, parseRange } from "#kernel/s3/byte-range.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { parseHttpDate } from "#kernel/s3/http-date.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import { parsePartChecksums } from "../multipart/part-checksum.ts";
import { parsePartNumber } from "../multipart/part-number.ts";
import type { ResponseHeaders } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import type { FoundObject } from "./find-object.ts";
import { checksumHeaders, partChecksumHeaders } from "./render-checksum.ts";

/** What a GET or HEAD answers with: status, bytes, and the headers that depend on them. */
export interface SelectedBytes {
  readonly status: 200 | 206;
  /** Half-open. */
  readonly range: ByteRange;
  readonly headers: ResponseHeaders;
}

/**
 * Decides which bytes a read means: all, a range, or a part.
 * @throws S3Error InvalidRange, InvalidPartNumber, InvalidRequest (range and part), InvalidArgument
 */
export async function selectBytes(request: S3Request, found: FoundObject): Promise<SelectedBytes> {
  const { sizeBytes } = found.version;
  const partText = request.query.get("partNumber");
  const rangeText = request.header("range");
  if (partText !== undefined) {
    if (rangeText !== undefined)
      throw new S3Error("InvalidRequest", {
        message: "Cannot specify both Range header and partNumber query parameter",
      });
    return selectPart(request, found, partText);
  }
  const range = rangeText === undefined || !ifRangeHolds(request, found) ? undefined : parseRange(rangeText, sizeBytes);
  if (range) return { status: 206, range, headers: { "Content-Range": contentRange(range, sizeBytes) } };
  const headers = wantsChecksum(request) ? checksumHeaders(found.meta.checksum) : {};
  return { status: 200, range: { start: 0, end: sizeBytes }, headers };
}

async function selectPart(request: S3Request, found: FoundObject, text: string): Promise<SelectedBytes> {
  const partNumber = parsePartNumber(text);
  const { version, meta } = found;
  if (meta.partCount === undefined) {
    if (partNumber > 1) throw noSuchPart(partNumber, 1);
    const range = { start: 0, end: version.sizeBytes };
    const whole = wantsChecksum(request) ? checksumHeaders(meta.checksum) : {};
    return { status: 206, range, headers: { ...rangeHeaders(range, version.sizeBytes), ...whole } };
  }
  const part = await request.plane.catalog.readPart(request.bucket.bucketId, version.detailId ?? 0, partNumber);
  if (!part) throw noSuchPart(partNumber, meta.partCount);
  const range = { start: part.offsetBytes, end: part.offsetBytes + part.sizeBytes };
  const [stored] = parsePartChecksums(part.checksum);
  const checksum = stored && wantsChecksum(request) ? partChecksumHeaders(stored) : {};
  return {
    status: 206,
    range,
    headers: { ...rangeHeaders(range, version.sizeBytes), "x-amz-mp-parts-count": meta.partCount, ...checksum },
  };
}

function rangeHeaders(range: ByteRange, sizeBytes: number): ResponseHeaders {
  return range.end > range.start ? { "Content-Range": contentRange(range, sizeBytes) } : {};
}

function contentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end - 1}/${sizeBytes}`;
}

/** If-Range: exact ETag or exact date, else the whole object is meant. Source: RFC 9110 section 13.1.5. */
function ifRangeHolds(request: S3Request, { version }: FoundObject): boolean {
  const condition = request.header("if-range");
  if (condition === undefined) return true;
  if (condition === quoteETag(version.etag) || condition === version.etag) return true;
  const date = parseHttpDate(condition);
  return date !== undefined && Math.floor(date / 1000) === Math.floor(hlcToMs(version.hlc) / 1000);
}

function wantsChecksum(request: S3Request): boolean {
  return request.header("x-amz-checksum-mode")?.toLowerCase() === "enabled";
}

function noSuchPart(requested: number, actual: number): S3Error {
  return new S3Error("InvalidPartNumber", { fields: { PartNumberRequested: requested, ActualPartCount: actual } });
}
