import { SerialQueue } from "./serial-queue.ts";

/** Runs asynchronous work one after the other per key; work of different keys runs side by side. */
export class KeyedQueue {
  readonly #queues = new Map<string, { readonly queue: SerialQueue; count: number }>();

  /** @returns what `work` gives; it starts when everything of this key asked for before has ended. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#queues.get(key) ?? { queue: new SerialQueue(), count: 0 };
    this.#queues.set(key, entry);
    entry.count++;
    try {
      return await entry.queue.run(work);
    } finally {
      if (--entry.count === 0) this.#queues.delete(key);
    }
  }
}
