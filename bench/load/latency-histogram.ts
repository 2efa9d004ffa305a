/** Sub-buckets per power of two: a percentile is at most 1.6 % too high. */
const subBuckets = 64;
const powers = 34;

/** Counts latencies in microseconds, 0 to 2^39, in log-linear buckets. */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array(subBuckets * powers);
  #count = 0;
  #maxUs = 0;

  /** Values recorded. */
  get count(): number {
    return this.#count;
  }

  /** Largest value recorded, in microseconds. */
  get maxUs(): number {
    return this.#maxUs;
  }

  /** @param us microseconds, from 0; a fraction is cut. */
  record(us: number): void {
    const value = Math.floor(us);
    const power = value < subBuckets ? 0 : Math.floor(Math.log2(value)) - 5;
    const index = power === 0 ? value : (power - 1) * subBuckets + Math.floor(value / 2 ** (power - 1));
    const bounded = Math.min(index, this.#buckets.length - 1);
    this.#buckets[bounded] = (this.#buckets[bounded] ?? 0) + 1;
    this.#count += 1;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /** Adds another histogram's counts to this one. */
  add(other: LatencyHistogram): void {
    for (let index = 0; index < this.#buckets.length; index += 1) {
      this.#buckets[index] = (this.#buckets[index] ?? 0) + (other.#buckets[index] ?? 0);
    }
    this.#count += other.#count;
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
  }

  /**
   * Upper bound of the bucket that holds the given share of values, in microseconds; 0 when empty.
   * @param share 0 to 1
   */
  percentileUs(share: number): number {
    const rank = Math.max(1, Math.ceil(this.#count * share));
    let seen = 0;
    for (let index = 0; index < this.#buckets.length; index += 1) {
      seen += this.#buckets[index] ?? 0;
      if (seen >= rank) return Math.min(upperBoundUs(index), this.#maxUs);
    }
    return 0;
  }
}

/** First value above bucket `index`. */
function upperBoundUs(index: number): number {
  const power = Math.floor(index / subBuckets);
  if (power === 0) return index + 1;
  return ((index % subBuckets) + subBuckets + 1) * 2 ** (power - 1);
}
