import { S3Error } from "#kernel/s3/s3-error.ts";

/** Chunks of one body that may be as small as they like. */
export const freeChunks = 1_000;
/**
 * Bytes that the chunks of a body have on average, from then on: each costs the worker as much as kilobytes do. AWS wants 8 KiB of
 * every chunk but the last. Source: API "Signature calculations: transferring payload in multiple chunks"
 */
export const minMeanChunkBytes = 256;

/** Counts the chunks of one body. */
export class SmallChunks {
  #count = 0;
  #bytes = 0;

  /** @throws S3Error InvalidRequest when there are too many small ones */
  add(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
    if (this.#count > freeChunks && this.#bytes < this.#count * minMeanChunkBytes) {
      throw new S3Error("InvalidRequest", {
        message: `The body has too many small chunks: after ${freeChunks} they must have ${minMeanChunkBytes} bytes on average`,
      });
    }
  }
}
