import type { PutBytes } from "#kernel/protocol/mutation.ts";
import type { ChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { BlobFacts, BlobSink } from "../blobs/blobs.ts";
import { sealInline } from "../crypto/inline-body.ts";
import { GatheredBody } from "../request/gathered-body.ts";
import { announcedLength, type ReceivedBody, type ReceiveOptions, receiveBody } from "../request/receive-body.ts";
import type { S3Request } from "../request/s3-request.ts";
import { type CustomerKey, makeObjectKey, type StoredKey } from "./encryption-request.ts";

/** Largest body of one PUT or part. Source: Amazon S3 limits. */
const maxPutBytes = 5 * 2 ** 30;

/** A received, verified and encrypted body that no catalog names yet. Ends with `finish` and a commit, or `discard`. */
export interface StoredBody {
  readonly received: ReceivedBody;
  readonly key: StoredKey;
  /** Ciphertext of a small body; undefined when the bytes are in a blob. */
  readonly inline: Uint8Array | undefined;
  /** Makes a blob durable; afterwards the mutation may name the bytes. */
  finish(facts: Pick<BlobFacts, "etag" | "meta">): Promise<PutBytes>;
  /** The commit was refused: a blob is of no use. After an unknown outcome it is left to the collector. */
  discard(reason: unknown): Promise<void>;
}

/** How a body is to be stored. */
export interface StoreOptions {
  readonly customerKey: CustomerKey | undefined;
  readonly defaultChecksum: ChecksumAlgorithm | undefined;
}

/** The largest body this server takes in one request, bytes. */
export function maxBodyBytes(request: S3Request): number {
  return Math.min(maxPutBytes, request.plane.snapshot.settings["system.max_upload_size_mb"] * 2 ** 20);
}

/**
 * Receives a body and stores it: inline when it is small, else in a blob that is written while it arrives.
 * @throws S3Error as `receiveBody`; nothing is left behind then
 */
export async function storeBody(request: S3Request, options: StoreOptions): Promise<StoredBody> {
  const length = announcedLength(request, false);
  const threshold = request.plane.snapshot.settings["storage.inline_threshold"];
  const { dataKey, stored } = makeObjectKey(request, {
    bucketId: request.bucket.bucketId,
    key: request.key,
    customerKey: options.customerKey,
  });
  const receive = {
    maxBytes: maxBodyBytes(request),
    lengthOptional: false,
    defaultChecksum: options.defaultChecksum,
    wantMd5: options.customerKey === undefined,
  };
  const store = { request, dataKey, stored, receive };
  return length !== undefined && length <= threshold ? storeInline(store, length) : storeBlob(store);
}

interface StoreParts {
  readonly request: S3Request;
  readonly dataKey: Uint8Array;
  readonly stored: StoredKey;
  readonly receive: Omit<ReceiveOptions, "sink">;
}

async function storeInline({ request, dataKey, stored, receive }: StoreParts, length: number): Promise<StoredBody> {
  const body = new GatheredBody(request, length);
  const received = await receiveBody(request, {
    ...receive,
    sink: (data) => {
      if (body.length + data.length > length) throw new S3Error("IncompleteBody");
      return body.append(data);
    },
  });
  const inline = sealInline(dataKey, body.bytes);
  return {
    received,
    key: stored,
    inline,
    finish: async () => ({ kind: "inline", slice: [0, inline.length] }),
    discard: async () => {},
  };
}

async function storeBlob({ request, dataKey, stored, receive }: StoreParts): Promise<StoredBody> {
  const { bucketId } = request.bucket;
  const sink = await request.plane.blobs.create(bucketId, dataKey);
  let received: ReceivedBody;
  try {
    received = await receiveBody(request, { ...receive, sink: (data) => sink.write(data) });
  } catch (error) {
    await sink.abandon();
    throw error;
  }
  return {
    received,
    key: stored,
    inline: undefined,
    finish: async (facts) => ({
      kind: "blob",
      blob: await finishBlob(sink, { bucketId, key: request.key, wrappedKey: stored.key, ...facts }),
    }),
    discard: (reason) => discardBlob(sink, reason),
  };
}

/** Finishes a blob, or removes it when that fails. */
export async function finishBlob(sink: BlobSink, facts: BlobFacts): Promise<{ blobId: string; sizeBytes: number }> {
  try {
    return await sink.finish(facts);
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

/** Removes a blob whose commit was refused. After an unknown outcome the catalog may name it: then it stays. */
export async function discardBlob(sink: BlobSink, reason: unknown): Promise<void> {
  const refused = reason instanceof S3Error && reason.status < 500;
  if (refused) await sink.abandon();
}
