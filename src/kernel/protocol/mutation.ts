import type { DeleteConditions, WriteConditions } from "../s3/conditional-request.ts";
import type { S3ErrorCode } from "../s3/error-code.ts";
import type { MutationQuota } from "./quota.ts";

/** Bits of a version's `flags`, as stored in the catalog and rendered by listings. */
export const versionFlag = {
  /** The newest version of its key. */
  latest: 1,
  /** A delete marker: no bytes. */
  marker: 2,
  /** The version named `null`. */
  nullVersion: 4,
} as const;

/** Bits 8-11 of `flags`: number of the checksum algorithm (0 none); bit 12: composite; bits 16-19: number of the storage class. */
export const flagShift = { checksum: 8, composite: 12, storageClass: 16 } as const;

/** A piece of the batch's byte buffer, half-open: [offset, offset + length). */
export type ByteSlice = readonly [offset: number, length: number];

/** One blob that holds bytes of a version. `blobId` is 32 hex digits. */
export interface BlobRef {
  readonly blobId: string;
  readonly sizeBytes: number;
}

/** Fields every mutation has. `bucketId` selects the catalog, `requestId` goes into the commit record. */
interface MutationBase {
  readonly bucketId: string;
  readonly key: string;
  readonly requestId: string;
  /** ARN of the caller, for the commit record. */
  readonly principal: string;
  /** `traceparent` of the piece of work that waits for the commit; absent: it is not traced. */
  readonly trace?: string;
}

/** Where the bytes of a new version are. */
export type PutBytes =
  /** Inline ciphertext, in the batch's buffer. */
  | { readonly kind: "inline"; readonly slice: ByteSlice }
  /** A synced blob of this bucket's folder. */
  | { readonly kind: "blob"; readonly blob: BlobRef }
  /** The blobs or inline bytes of an existing detail row of the same bucket are shared. */
  | { readonly kind: "share"; readonly detailId: number }
  /** Blobs linked into this bucket's folder from another bucket, in order. */
  | { readonly kind: "linked"; readonly parts: readonly LinkedPart[] }
  /** The blobs of an existing detail row of the same bucket, then one more under the same data key. */
  | { readonly kind: "append"; readonly detailId: number; readonly blob: BlobRef; readonly checksum: string | null };

/** One extent of a copied version. Offsets follow from the order. */
export interface LinkedPart extends BlobRef {
  readonly partNumber: number;
  readonly checksum: string | null;
}

/** The version an append was made for. What it is, its headers and its key, was read from that one: an equal one is another. */
export interface AppendTarget {
  /** Null for an absent key. */
  readonly hlc: number | null;
}

/** A mutation that may be refused because of what its bucket, or its tenant, holds. Absent: there are no bounds. */
interface BoundedMutation extends MutationBase {
  readonly quota?: MutationQuota | undefined;
}

/** Store a version: PutObject and CopyObject. */
export interface PutMutation extends BoundedMutation {
  readonly kind: "put";
  readonly sizeBytes: number;
  readonly etag: string;
  /** Bits of checksum and storage class; the writer sets the rest. */
  readonly flags: number;
  /** JSON of `ObjectMeta`. */
  readonly meta: string;
  /** JSON of what may change without a new version (tags); null when there is none. */
  readonly attributes: string | null;
  readonly bytes: PutBytes;
  readonly conditions: WriteConditions | null;
  /** Commit only if the current version still has this etag and size (append). */
  readonly appendTo?: AppendTarget | null;
}

/** Remove a key (marker or removal by the bucket's versioning) or one version. */
export interface DeleteMutation extends MutationBase {
  readonly kind: "delete";
  readonly versionId: string | null;
  readonly conditions: DeleteConditions | null;
}

/** Open a multipart upload. */
export interface CreateUploadMutation extends MutationBase {
  readonly kind: "createUpload";
  readonly uploadId: string;
  /** JSON of `UploadMeta`. */
  readonly meta: string;
}

/** Register a synced part; an earlier part of this number is replaced. */
export interface PutPartMutation extends BoundedMutation {
  readonly kind: "putPart";
  readonly uploadId: string;
  readonly partNumber: number;
  readonly blob: BlobRef;
  readonly etag: string;
  /** `ALGORITHM:base64`, the object's algorithm first; several are separated by spaces. */
  readonly checksum: string | null;
}

/** One part as the client lists it at completion. */
export interface ListedPart {
  readonly partNumber: number;
  /** Unquoted. */
  readonly etag: string;
  /** `ALGORITHM:base64`, when the client sent one. */
  readonly checksum: string | null;
}

/** Turn an upload into a version. */
export interface CompleteUploadMutation extends BoundedMutation {
  readonly kind: "completeUpload";
  readonly uploadId: string;
  readonly parts: readonly ListedPart[];
  /** Hash over the list of parts: the same completion repeated answers the same. */
  readonly fingerprint: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly flags: number;
  readonly meta: string;
  readonly attributes: string | null;
  readonly conditions: WriteConditions | null;
}

/** End an upload without an object. */
export interface AbortUploadMutation extends MutationBase {
  readonly kind: "abortUpload";
  readonly uploadId: string;
  /** `x-amz-if-match-initiated-time`, whole seconds in ms. */
  readonly ifInitiatedMs: number | null;
}

/** Everything the catalog writer can do to a bucket. */
export type Mutation =
  | PutMutation
  | DeleteMutation
  | CreateUploadMutation
  | PutPartMutation
  | CompleteUploadMutation
  | AbortUploadMutation;

/** What a committed mutation answers. */
export interface MutationSuccess {
  readonly ok: true;
  /** Version id of the version made or removed; null in a bucket that was never versioned. */
  readonly versionId: string | null;
  /** Place in the order of versions; `floor(hlc / 1024)` is LastModified in ms. */
  readonly hlc: number;
  /** A delete marker was made or removed. */
  readonly deleteMarker: boolean;
  /** ETag of the version, for completions that repeat an earlier answer. */
  readonly etag: string | null;
  /** Commit number of the bucket. */
  readonly seq: number;
  /** JSON of `ObjectMeta` of the version, for completions that repeat an earlier answer. */
  readonly meta?: string;
  /** Bytes of the version, for completions that repeat an earlier answer; absent from those of earlier releases. */
  readonly sizeBytes?: number;
}

/** A refused or failed mutation: nothing of it was stored. */
export interface MutationFailure {
  readonly ok: false;
  readonly code: S3ErrorCode;
  readonly message?: string;
  readonly fields?: Readonly<Record<string, string | number>>;
}

/** One answer per mutation, in the order of the batch. */
export type MutationResult = MutationSuccess | MutationFailure;

/**
 * What travels to the writer: one JSON text and one transferred buffer for many mutations. Structured clone of the same
 * objects costs four times as much per mutation (measured: 29 us against 7 us in batches of 32).
 */
export interface WriterBatch {
  readonly id: number;
  /** JSON of `Mutation[]`. */
  readonly mutations: string;
  /** Inline bodies, one after the other. */
  readonly bytes: ArrayBuffer;
}

/** The writer's answer, after the commit is on disk. */
export interface WriterAnswer {
  readonly id: number;
  /** JSON of `MutationResult[]`. */
  readonly results: string;
}
