/** A map that keeps the entries used last and forgets the others: a bounded memory for pure results. */
export class RecentMap<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #maxEntries: number;
  /** Stands before the oldest entry: nothing it has passed is left. A new iterator would step over all that was removed. */
  #oldest = this.#entries.keys();

  /** @param maxEntries entries kept, at least 1. */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Number of entries held, at most `maxEntries`. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value of `key`, which becomes the entry used last; while the map is half empty nobody keeps count. */
  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined || this.#entries.size * 2 < this.#maxEntries) return value;
    // A Map iterates in order of insertion: inserting again makes this entry the youngest.
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Stores `value` and forgets the entry unused for longest when there are too many. */
  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#maxEntries) return;
    this.#entries.delete(this.#nextOldest());
  }

  /** Never called on an empty map: an iterator that has ended stays so, and a new one finds the first entry. */
  #nextOldest(): string {
    const next = this.#oldest.next();
    if (!next.done) return next.value;
    this.#oldest = this.#entries.keys();
    return this.#oldest.next().value ?? "";
  }
}
