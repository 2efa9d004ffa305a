import type { ByteRange } from "#kernel/s3/byte-range.ts";
import { DamagedBytesError } from "../../crypto/inline-body.ts";
import type { Extent, PartPage } from "../catalog.ts";
import type { BucketReader } from "./bucket-reader.ts";

type ExtentRow = [number, number, number, string, string | null];
type Bounds = [partNumber: number, offsetBytes: number, sizeBytes: number];

/**
 * The blobs of a version that overlap a range, in order. Offsets and part numbers ascend with the place in the list, so the first
 * one is sought by halves: 14 look-ups among 10,000 parts.
 * @throws DamagedBytesError when a place of the list is empty
 */
export function readExtents(reader: BucketReader, detailId: number, { start, end }: ByteRange): Extent[] {
  const last = lastPlace(reader, detailId);
  const first = firstPlace(reader, { detailId, from: 0, last }, ([, offset, size]) => offset + size > start);
  const behind = firstPlace(reader, { detailId, from: first, last }, ([, offset]) => offset >= end);
  return toExtents(reader.rows("extents", detailId, first, behind, end, start));
}

/** The extent of one part. @throws DamagedBytesError when a place of the list is empty */
export function readPart(reader: BucketReader, detailId: number, partNumber: number): Extent | undefined {
  const last = lastPlace(reader, detailId);
  const place = firstPlace(reader, { detailId, from: 0, last }, ([number]) => number >= partNumber);
  return toExtents(reader.rows("extentsFrom", detailId, place, partNumber - 1, 1)).find(
    (extent) => extent.partNumber === partNumber,
  );
}

/** Extents of parts with numbers above `marker`. @throws DamagedBytesError when a place of the list is empty */
export function listExtents(reader: BucketReader, detailId: number, { marker, limit }: PartPage): Extent[] {
  const last = lastPlace(reader, detailId);
  const place = firstPlace(reader, { detailId, from: 0, last }, ([number]) => number > marker);
  return toExtents(reader.rows("extentsFrom", detailId, place, marker, limit));
}

/** Of a list that is empty or has one place: 0. */
function lastPlace(reader: BucketReader, detailId: number): number {
  return reader.rows<[number]>("lastOrdinal", detailId)[0]?.[0] ?? 0;
}

/** The first place of `from` to `last` that is as wanted, as are all behind it; `last` where none before it is. */
function firstPlace(
  reader: BucketReader,
  { detailId, from, last }: { readonly detailId: number; readonly from: number; readonly last: number },
  isWanted: (bounds: Bounds) => boolean,
): number {
  let low = from;
  let high = last;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const [bounds] = reader.rows<Bounds>("extentBounds", detailId, middle);
    if (!bounds) throw new DamagedBytesError(`Place ${middle} of the object's list of blobs is empty`);
    if (isWanted(bounds)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function toExtents(rows: unknown[]): Extent[] {
  return (rows as ExtentRow[]).map(([partNumber, offsetBytes, sizeBytes, blobId, checksum]) => ({
    partNumber,
    offsetBytes,
    sizeBytes,
    blobId,
    checksum,
  }));
}
