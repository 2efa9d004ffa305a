import { S3Error } from "#kernel/s3/s3-error.ts";

/** Bytes of gathered bodies a worker holds at most: inline objects until their commit, documents until they are answered. */
export const maxGatheredBytes = 64 * 2 ** 20;

/**
 * What a worker may gather in memory over all its requests. Bodies count as they arrive, so a client that announces much
 * and sends nothing takes nothing from others.
 */
export class BodyBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** @throws S3Error SlowDown when there is no room; nothing is taken then */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.#limitBytes) throw new S3Error("SlowDown");
    this.#usedBytes += bytes;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  /** Bytes taken and not given back. */
  get usedBytes(): number {
    return this.#usedBytes;
  }
}
