/** Copies that stream from blob to blob at once, per worker. */
const maxCopies = 24;

/**
 * Lets a bounded number of streamed copies run. A copy holds a pooled buffer for reading while it waits for one to write
 * into: without a bound, copies alone could hold every buffer of the pool and wait for one another for ever.
 */
export class CopySlots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param limit copies at once, well below half the buffers of the pool */
  constructor(limit: number = maxCopies) {
    this.#free = limit;
  }

  /** Runs `work` when its turn comes, in the order of the calls. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
