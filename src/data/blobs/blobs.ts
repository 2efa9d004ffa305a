import type { BlobRef } from "#kernel/protocol/mutation.ts";

/** What a blob says of itself in its footer, beside its tags: enough to rebuild a lost catalog. */
export interface BlobFacts {
  readonly bucketId: string;
  readonly key: string;
  /** Data key wrapped for (bucketId, key): see the key ring. */
  readonly wrappedKey: { readonly version: number; readonly sealed: string };
  readonly etag: string;
  /** Upload and number, when the blob is a part. */
  readonly uploadId?: string;
  readonly partNumber?: number;
  /** JSON of the object's metadata, for blobs that are a whole object. */
  readonly meta?: string;
}

/** A blob being written. Exactly one of `finish` and `abandon` ends it. */
export interface BlobSink {
  readonly blobId: string;
  /** Encrypts and queues bytes. @returns a promise when the caller has to wait before the next call */
  write(plaintext: Uint8Array): Promise<void> | undefined;
  /** Writes tags and footer, then syncs file and directory entry: when it resolves, the blob survives power loss. */
  finish(facts: BlobFacts): Promise<BlobRef>;
  /** Removes what was written; errors are swallowed, the collector finds the rest. */
  abandon(): Promise<void>;
}

/** One extent to read: a whole blob or, by `start` and `end`, a piece of it. */
export interface BlobRead {
  readonly bucketId: string;
  readonly blobId: string;
  readonly sizeBytes: number;
  /** The object's data key, 32 bytes. */
  readonly dataKey: Uint8Array;
  /** Half-open range of plaintext bytes. */
  readonly start: number;
  readonly end: number;
}

/** Immutable blobs: written once under a fresh id, never renamed, never overwritten. */
export interface Blobs {
  /** Starts a blob encrypted under `dataKey` (32 bytes). */
  create(bucketId: string, dataKey: Uint8Array): Promise<BlobSink>;
  /**
   * Verified plaintext of a range, in pieces of at most 256 KiB. A piece is valid until the next one is asked for.
   * @throws DamagedBytesError when the blob is missing, and before any byte of a damaged segment is handed out
   */
  read(request: BlobRead): AsyncGenerator<Uint8Array, void, undefined>;
  /** Shares a blob with another bucket, durably. */
  linkTo(bucketId: string, blobId: string, targetBucketId: string): Promise<void>;
}
