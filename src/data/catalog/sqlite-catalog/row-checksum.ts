import { crc32 } from "node:zlib";
import { versionFlag } from "#kernel/protocol/mutation.ts";

/**
 * SQLite has no checksums of its own: a flipped bit in a stored text reads as another text. So each row that says what an
 * object is carries a CRC-32 of its columns, written with the row, compared when an object or an upload is looked up
 * (`read-row.ts`) and by `maxiofs check`; pages of listings are not compared. About 0.4 us each.
 * Whoever updates a covered column renews the checksum in the same statement.
 */
export type RowChecksum = number;

/** Columns of `version` and `closed_version` that never change, and `attributes`. */
export interface ChecksummedVersion {
  readonly key: string;
  readonly hlc: number;
  readonly flags: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly versionId: string | null;
  readonly detailId: number | null;
  readonly fromSeq: number;
  readonly attributes: string | null;
}

/** Columns of `part`. */
export interface ChecksummedPart {
  readonly uploadId: string;
  readonly partNumber: number;
  readonly blobId: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: string | null;
  readonly hlc: number;
}

/** Of a live version; without the bit `latest`, which moves when other versions come and go. */
export function checksumVersion(row: ChecksummedVersion): RowChecksum {
  const { key, hlc, flags, sizeBytes, etag, versionId, detailId, fromSeq, attributes } = row;
  return crc32(
    JSON.stringify([key, hlc, flags & ~versionFlag.latest, sizeBytes, etag, versionId, detailId, fromSeq, attributes]),
  );
}

/** Of a version in the history: that of the live row, plus the commit that closed it. SQL adds it up as well. */
export function checksumClosed(row: ChecksummedVersion, untilSeq: number, untilHlc: number): RowChecksum {
  return checksumVersion(row) + untilSeq + untilHlc;
}

/** Of a detail row without its body, which has tags. */
export function checksumDetail(detailId: number, meta: string): RowChecksum {
  return crc32(meta, crc32(`${detailId}\n`));
}

/** Of a part of an open upload. Extents have none: footers and tags of their blobs say the same. */
export function checksumPart(row: ChecksummedPart): RowChecksum {
  const { uploadId, partNumber, blobId, sizeBytes, etag, checksum, hlc } = row;
  return crc32(JSON.stringify([uploadId, partNumber, blobId, sizeBytes, etag, checksum, hlc]));
}

/** Of what an upload fixes when it is created. */
export function checksumUpload(upload: {
  readonly uploadId: string;
  readonly key: string;
  readonly initiatedHlc: number;
  readonly meta: string;
}): RowChecksum {
  return crc32(JSON.stringify([upload.uploadId, upload.key, upload.initiatedHlc, upload.meta]));
}

/** What the end of an upload adds to its checksum. */
export function checksumUploadEnd(end: {
  readonly fingerprint: string;
  readonly answer: string;
  readonly endedHlc: number;
}): RowChecksum {
  return crc32(JSON.stringify([end.fingerprint, end.answer, end.endedHlc]));
}

/** Of the numbers of a bucket, in the order of their names. */
export function checksumState(numbers: readonly number[]): RowChecksum {
  return crc32(numbers.join("\n"));
}
