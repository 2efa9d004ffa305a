import { DamagedBytesError } from "../../crypto/inline-body.ts";
import type { ObjectVersion, UploadedPart, UploadState } from "../catalog.ts";
import { checksumDetail, checksumPart, checksumUpload, checksumVersion } from "./row-checksum.ts";
import { uploadState } from "./schema.ts";

/** Columns of the reader's look-ups of versions, in their order. */
type ObjectRow = [
  hlc: number,
  flags: number,
  sizeBytes: number,
  etag: string,
  versionId: string | null,
  detailId: number | null,
  attributes: string | null,
  meta: string | null,
  fromSeq: number,
  crc: number,
  detailCrc: number | null,
  body?: Uint8Array | null,
];
type UploadRow = [key: string, uploadId: string, initiatedHlc: number, meta: string, state: number, crc: number];
type PartRow = [
  partNumber: number,
  blobId: string,
  sizeBytes: number,
  etag: string,
  checksum: string | null,
  hlc: number,
  crc: number,
];

/** A version of `key`. @throws DamagedBytesError when its row, or that of its detail, is not as it was written */
export function toVersion(key: string, row: unknown[]): ObjectVersion {
  const [hlc, flags, sizeBytes, etag, versionId, detailId, attributes, meta, fromSeq, crc, detailCrc, body] =
    row as ObjectRow;
  if (checksumVersion({ key, hlc, flags, sizeBytes, etag, versionId, detailId, fromSeq, attributes }) !== crc)
    throw new DamagedBytesError("The catalog's row of the object does not fit its checksum");
  if (detailId === null) return { hlc, flags, sizeBytes, etag, versionId, detailId, attributes, meta: "", body: null };
  if (meta === null) throw new DamagedBytesError(`Detail ${detailId} of the object is missing in the catalog`);
  if (checksumDetail(detailId, meta) !== detailCrc)
    throw new DamagedBytesError(`Detail ${detailId} of the object does not fit its checksum`);
  return { hlc, flags, sizeBytes, etag, versionId, detailId, attributes, meta, body: body ?? null };
}

/** An upload. @throws DamagedBytesError when the row of an open one is not as it was written */
export function toUpload(row: unknown[]): UploadState {
  const [key, uploadId, initiatedHlc, meta, state, crc] = row as UploadRow;
  const completed = state === uploadState.completed;
  if (!completed && checksumUpload({ uploadId, key, initiatedHlc, meta }) !== crc)
    throw new DamagedBytesError(`The row of upload ${uploadId} does not fit its checksum`);
  return { key, uploadId, initiatedHlc, meta, completed };
}

/** A part of an open upload. @throws DamagedBytesError when its row is not as it was written */
export function toPart(uploadId: string, row: unknown[]): UploadedPart {
  const [partNumber, blobId, sizeBytes, etag, checksum, hlc, crc] = row as PartRow;
  const part = { partNumber, blobId, sizeBytes, etag, checksum, hlc };
  if (checksumPart({ uploadId, ...part }) !== crc)
    throw new DamagedBytesError(`The row of part ${partNumber} of upload ${uploadId} does not fit its checksum`);
  return part;
}
