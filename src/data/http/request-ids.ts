import { randomBytes } from "#kernel/base/random.ts";

/** Requests with one random beginning. */
const idsPerPrefix = 2 ** 24;

/**
 * Request ids: 16 of `0-9A-F`, the first ten random, the last six counted. Unique over threads, restarts and nodes for all
 * practical purposes, and ten times cheaper than 16 random digits each.
 */
export class RequestIds {
  #prefix = "";
  #count = idsPerPrefix;

  next(): string {
    if (this.#count === idsPerPrefix) {
      this.#prefix = Buffer.from(randomBytes(5)).toString("hex").toUpperCase();
      this.#count = 0;
    }
    const counted = this.#count.toString(16).toUpperCase();
    this.#count += 1;
    return this.#prefix + counted.padStart(6, "0");
  }
}
