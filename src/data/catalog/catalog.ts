import type { ByteRange } from "#kernel/s3/byte-range.ts";

/** A live version as readers see it. */
export interface ObjectVersion {
  readonly hlc: number;
  /** Bits of `versionFlag` and `flagShift`. */
  readonly flags: number;
  readonly sizeBytes: number;
  readonly etag: string;
  /** Null for the `null` version. */
  readonly versionId: string | null;
  /** Null for delete markers. */
  readonly detailId: number | null;
  /** JSON of tags and other things that change without a new version. */
  readonly attributes: string | null;
  /** JSON of `ObjectMeta`; empty for delete markers. */
  readonly meta: string;
  /** Inline ciphertext with its tags, when asked for and small; else null. */
  readonly body: Uint8Array | null;
}

/** One blob of a version. Offsets are within the object. */
export interface Extent {
  readonly partNumber: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly blobId: string;
  /** `ALGORITHM:base64`, for parts that have one. */
  readonly checksum: string | null;
}

/**
 * One current object of a listing. Rows of listings are tuples: a page has a thousand of them, and an object each would
 * cost more than reading them.
 */
export type ListedObject = readonly [key: string, hlc: number, flags: number, sizeBytes: number, etag: string];

/** One live version of a listing, markers included; `versionId` is null for the `null` version. */
export type ListedVersion = readonly [...ListedObject, versionId: string | null];

/** One open multipart upload of a listing; `meta` is JSON of `UploadMeta`. */
export type ListedUpload = readonly [key: string, uploadId: string, initiatedHlc: number, meta: string];

/** An open multipart upload. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedHlc: number;
  /** JSON of `UploadMeta`. */
  readonly meta: string;
}

/** A part of an open upload. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly blobId: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: string | null;
  readonly hlc: number;
}

/** What `readUpload` finds: open, or completed within the last day. */
export interface UploadState extends OpenUpload {
  readonly completed: boolean;
}

/**
 * Where a listing begins: `from` a key, `after` all rows of a key, or `within` a key, behind its row at `hlc` (in the order
 * of the listing).
 */
export type ListingStart =
  | { readonly kind: "from" | "after"; readonly key: string }
  | { readonly kind: "within"; readonly key: string; readonly hlc: number };

/** A half-open range of keys in UTF-8 byte order. */
export interface KeyRange {
  readonly start: ListingStart;
  /** First key behind the range; undefined: to the end. */
  readonly end: string | undefined;
}

/** Rows of a range in its order, as many as were asked for or fewer. */
export interface ListedRows<Row> {
  readonly rows: Row[];
  /** Where to go on; undefined when the range was read to its end. */
  readonly next: ListingStart | undefined;
}

/** One version of a key by its id; `null` names the null version. */
export interface WantedVersion {
  readonly key: string;
  readonly versionId: string;
  /** With its inline body. */
  readonly withBody: boolean;
}

/** A page of parts: at most `limit` with numbers above `marker`. */
export interface PartPage {
  readonly marker: number;
  readonly limit: number;
}

/**
 * Read side of a bucket's catalog. Every call sees all mutations acknowledged before it began.
 * Every method throws CatalogUnavailableError when the bucket's catalog cannot be read.
 */
export interface CatalogReader {
  /** The newest version of a key, markers included; with its inline body when `withBody`. */
  findNewest(bucketId: string, key: string, withBody: boolean): Promise<ObjectVersion | undefined>;
  /** One live version by id. */
  findVersion(bucketId: string, wanted: WantedVersion): Promise<ObjectVersion | undefined>;
  /** The blobs of a version that overlap a half-open range of its bytes, in order. */
  readExtents(bucketId: string, detailId: number, range: ByteRange): Promise<Extent[]>;
  /** The number of the last blob's part, which may be empty; 0 where there is none. */
  lastPartNumber(bucketId: string, detailId: number): Promise<number>;
  /** One part of a completed multipart object. */
  readPart(bucketId: string, detailId: number, partNumber: number): Promise<Extent | undefined>;
  /** Parts from after `marker` on, ascending. */
  listExtents(bucketId: string, detailId: number, page: PartPage): Promise<Extent[]>;
  /**
   * Newest versions that are no markers, in key order. A call looks at a bounded number of rows: it may give fewer than
   * `limit`, even none, and a `next`.
   */
  listCurrent(bucketId: string, range: KeyRange, limit: number): Promise<ListedRows<ListedObject>>;
  /** All live versions: key order, newest first. */
  listVersions(bucketId: string, range: KeyRange, limit: number): Promise<ListedRows<ListedVersion>>;
  /** Open uploads in order of key, then start. */
  listUploads(bucketId: string, range: KeyRange, limit: number): Promise<ListedRows<ListedUpload>>;
  readUpload(bucketId: string, uploadId: string): Promise<UploadState | undefined>;
  /** Parts of an open upload from after `marker` on, ascending. */
  listParts(bucketId: string, uploadId: string, page: PartPage): Promise<UploadedPart[]>;
}
