/** The first restart comes at once, the second after this, then twice as long each time. */
const firstDelayMs = 100;

/** Longest pause between two starts, ms. */
export const maxDelayMs = 5000;

/** A thread that ran this long was well: the next restart comes at once again, ms. */
export const wellAfterMs = 10_000;

/** Says how long to wait before a thread that ended is started again. */
export class RestartBackoff {
  #failureCount = 0;

  /** @param ranMs how long the thread ran. @returns ms to wait, 0 to `maxDelayMs`. */
  nextDelayMs(ranMs: number): number {
    if (ranMs >= wellAfterMs) this.#failureCount = 0;
    const delayMs = this.#failureCount === 0 ? 0 : firstDelayMs * 2 ** (this.#failureCount - 1);
    this.#failureCount++;
    return Math.min(delayMs, maxDelayMs);
  }
}
