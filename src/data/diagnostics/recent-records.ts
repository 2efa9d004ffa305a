/** Bounds of what is kept. */
export interface RecentRecordsOptions {
  /** The oldest goes when another comes. */
  readonly maxCount: number;
  /** More of a second are passed over, so that a flood costs little. */
  readonly maxPerSecond: number;
  readonly monotonicMs: () => number;
}

/** The last records of a kind, found by their request. */
export class RecentRecords<R extends { readonly requestId: string }> {
  readonly #options: RecentRecordsOptions;
  /** A ring: `#next` is the oldest once it is full. */
  readonly #records: R[] = [];
  #next = 0;
  #secondStartMs = Number.NEGATIVE_INFINITY;
  #countOfSecond = 0;

  constructor(options: RecentRecordsOptions) {
    this.#options = options;
  }

  /** Keeps what `make` gives; it is not called when the second has had its share. */
  add(make: () => R): void {
    const { maxCount, maxPerSecond, monotonicMs } = this.#options;
    const nowMs = monotonicMs();
    if (nowMs - this.#secondStartMs >= 1000) {
      this.#secondStartMs = nowMs;
      this.#countOfSecond = 0;
    }
    if (this.#countOfSecond >= maxPerSecond) return;
    this.#countOfSecond++;
    this.#records[this.#next] = make();
    this.#next = (this.#next + 1) % maxCount;
  }

  /** What is kept of a request, oldest first. */
  find(requestId: string): readonly R[] {
    const inOrder = [...this.#records.slice(this.#next), ...this.#records.slice(0, this.#next)];
    return inOrder.filter((record) => record.requestId === requestId);
  }
}
