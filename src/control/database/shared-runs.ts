import { SerialQueue } from "./serial-queue.ts";

/**
 * Long work that many ask for at a time: one run after the other, whatever it is about, and who asks for what is waiting to
 * begin shares it. A run that has begun is not shared: it may have passed what the caller wants to know of.
 */
export class SharedRuns<T> {
  readonly #queue = new SerialQueue();
  readonly #waiting = new Map<string, Promise<T>>();

  /** @returns what a run of this key gives that begins after the call */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const found = this.#waiting.get(key);
    if (found !== undefined) return found;
    const result = this.#queue.run(() => {
      this.#waiting.delete(key);
      return work();
    });
    this.#waiting.set(key, result);
    return result;
  }
}
