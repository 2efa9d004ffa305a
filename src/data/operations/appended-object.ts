import type { PutBytes } from "#kernel/protocol/mutation.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { ObjectVersion } from "../catalog/catalog.ts";
import type { ObjectMeta } from "../object-meta.ts";
import type { CustomerKey } from "./encryption-request.ts";

/** The object an append goes to. */
export interface AppendedTo {
  readonly version: ObjectVersion;
  readonly meta: ObjectMeta;
  readonly dataKey: Uint8Array;
  readonly customerKey: CustomerKey | undefined;
}

/** What an append makes of an object; its bytes are safe, no catalog names them. */
export interface AppendedBytes {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly meta: ObjectMeta;
  readonly bytes: PutBytes;
  /** Ciphertext of a small object. */
  readonly inline: Uint8Array | undefined;
  /** As in `StoredBody`. */
  discard(reason: unknown): Promise<void>;
}

/** The refusal of an append without bytes, known from its length or at its end. */
export function emptyAppend(): S3Error {
  return new S3Error("InvalidRequest", { message: "An append must have at least one byte" });
}
