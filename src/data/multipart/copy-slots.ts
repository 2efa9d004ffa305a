/** Copies that stream from blob to blob at once, per worker. */
const maxCopies = 24;
/** Part of them that one holder, such as a tenant, may have at once: the others find a slot whatever he copies. */
const maxShare = 3 / 4;

interface Waiting {
  readonly holder: string;
  readonly begin: () => void;
}

/**
 * Lets a bounded number of streamed copies run. A copy holds a pooled buffer for reading while it waits for one to write
 * into: without a bound, copies alone could hold every buffer of the pool and wait for one another for ever.
 */
export class CopySlots {
  readonly #limit: number;
  readonly #line: Waiting[] = [];
  /** Copies that run, of each holder that has any. */
  readonly #running = new Map<string, number>();
  #runningCount = 0;

  /** @param limit copies at once, well below half the buffers of the pool */
  constructor(limit: number = maxCopies) {
    this.#limit = limit;
  }

  /** Runs `work` when its turn comes: of the holders who wait that of who has the fewest copies running, of his calls the first. */
  async run<Result>(holder: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#mayBegin(holder)) this.#count(holder, 1);
    else await new Promise<void>((begin) => this.#line.push({ holder, begin }));
    try {
      return await work();
    } finally {
      this.#count(holder, -1);
      this.#serveLine();
    }
  }

  #mayBegin(holder: string): boolean {
    return this.#runningCount < this.#limit && this.#runningOf(holder) < Math.ceil(this.#limit * maxShare);
  }

  #serveLine(): void {
    for (;;) {
      let next: Waiting | undefined;
      for (const waiting of this.#line) {
        if (!this.#mayBegin(waiting.holder)) continue;
        if (next === undefined || this.#runningOf(waiting.holder) < this.#runningOf(next.holder)) next = waiting;
      }
      if (next === undefined) return;
      this.#line.splice(this.#line.indexOf(next), 1);
      this.#count(next.holder, 1);
      next.begin();
    }
  }

  #runningOf(holder: string): number {
    return this.#running.get(holder) ?? 0;
  }

  #count(holder: string, change: 1 | -1): void {
    this.#runningCount += change;
    const running = this.#runningOf(holder) + change;
    if (running === 0) this.#running.delete(holder);
    else this.#running.set(holder, running);
  }
}
