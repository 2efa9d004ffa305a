import type { ByteRange } from "#kernel/s3/byte-range.ts";
import { DamagedBytesError } from "../../crypto/inline-body.ts";
import type { Extent, PartPage } from "../catalog.ts";
import type { BucketReader } from "./bucket-reader.ts";

type ExtentRow = [number, number, number, string, string | null];
type Bounds = [partNumber: number, offsetBytes: number, sizeBytes: number];

/** Rows of `extent` that a version has. */
interface ExtentList {
  readonly listId: number;
  /** Place of the last one; 0 also where there is none. */
  readonly last: number;
}

/**
 * The blobs of a version that overlap a range, in order. Offsets and part numbers ascend with the place in the list, so the first
 * one is sought by halves: 14 look-ups among 10,000 parts.
 * @throws DamagedBytesError when a place of the list is empty
 */
export function readExtents(reader: BucketReader, detailId: number, { start, end }: ByteRange): Extent[] {
  const list = findList(reader, detailId);
  const first = firstPlace(reader, list, ([, offset, size]) => offset + size > start);
  const behind = firstPlace(reader, list, ([, offset]) => offset >= end);
  return toExtents(reader.rows("extents", list.listId, first, behind, end, start));
}

/** The number of the last blob's part; 0 where there is none. */
export function lastPartNumber(reader: BucketReader, detailId: number): number {
  const { listId, last } = findList(reader, detailId);
  return reader.rows<Bounds>("extentBounds", listId, last)[0]?.[0] ?? 0;
}

/** The extent of one part. @throws DamagedBytesError when a place of the list is empty */
export function readPart(reader: BucketReader, detailId: number, partNumber: number): Extent | undefined {
  const [extent] = listExtents(reader, detailId, { marker: partNumber - 1, limit: 1 });
  return extent?.partNumber === partNumber ? extent : undefined;
}

/** Extents of parts with numbers above `marker`. @throws DamagedBytesError when a place of the list is empty */
export function listExtents(reader: BucketReader, detailId: number, { marker, limit }: PartPage): Extent[] {
  const list = findList(reader, detailId);
  const place = firstPlace(reader, list, ([number]) => number > marker);
  return toExtents(reader.rows("extentsAfter", list.listId, place, list.last, marker, limit));
}

function findList(reader: BucketReader, detailId: number): ExtentList {
  const [share] = reader.hasSharedLists ? reader.rows<[listId: number, extents: number]>("share", detailId) : [];
  if (share) return { listId: share[0], last: share[1] - 1 };
  return { listId: detailId, last: reader.rows<[number]>("lastOrdinal", detailId)[0]?.[0] ?? 0 };
}

/** The first place that is as wanted, as are all behind it; the last one where none before it is. */
function firstPlace(reader: BucketReader, { listId, last }: ExtentList, isWanted: (bounds: Bounds) => boolean): number {
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const [bounds] = reader.rows<Bounds>("extentBounds", listId, middle);
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
