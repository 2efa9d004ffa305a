/** Xorshift32: the same order in every run, a few nanoseconds a number. */
export class RandomIndex {
  #state: number;

  /** @param seed any integer but 0 */
  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1;
  }

  /** An integer from 0 to `limit - 1`; `limit` from 1 to 2^32. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}
