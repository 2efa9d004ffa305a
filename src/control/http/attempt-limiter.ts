import type { Clock } from "#kernel/base/clock.ts";

/** How failures turn into delays. */
export interface AttemptLimits {
  /** Failures that cost nothing. */
  readonly freeFailures: number;
  /** Delay after the first failure beyond them, ms; it doubles with each further one. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Failures are forgotten this long after the last one, ms; more than `maxDelayMs`. */
  readonly forgetAfterMs: number;
  /** Names remembered at a time; the one whose last failure is oldest gives way. */
  readonly maxNames: number;
}

interface Failures {
  count: number;
  lastMs: number;
}

/** Delays attempts under a name (an address, a user) that failed too often under it. Its memory is bounded. */
export class AttemptLimiter {
  readonly #limits: AttemptLimits;
  readonly #clock: Clock;
  /** In the order of the last failures. */
  readonly #failures = new Map<string, Failures>();

  constructor(limits: AttemptLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** How long the name has to wait for its next attempt, ms; 0: not at all. */
  waitMs(name: string): number {
    const failures = this.#find(name);
    if (failures === undefined) return 0;
    return Math.max(0, failures.lastMs + this.#delayMs(failures.count) - this.#clock.monotonicMs());
  }

  /** Counts a failed attempt. @returns the delay it brings, ms */
  fail(name: string): number {
    const count = (this.#find(name)?.count ?? 0) + 1;
    this.#failures.delete(name);
    this.#failures.set(name, { count, lastMs: this.#clock.monotonicMs() });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > this.#limits.maxNames && oldest !== undefined) this.#failures.delete(oldest);
    return this.#delayMs(count);
  }

  /** Forgets the failures of a name that succeeded. */
  succeed(name: string): void {
    this.#failures.delete(name);
  }

  /** How many failures of a name are remembered. */
  count(name: string): number {
    return this.#find(name)?.count ?? 0;
  }

  /** Forgets so many of the failures of a name. */
  forgive(name: string, count: number): void {
    const failures = this.#find(name);
    if (failures === undefined) return;
    failures.count -= count;
    if (failures.count <= 0) this.#failures.delete(name);
  }

  #find(name: string): Failures | undefined {
    const failures = this.#failures.get(name);
    if (failures === undefined || this.#clock.monotonicMs() - failures.lastMs < this.#limits.forgetAfterMs)
      return failures;
    this.#failures.delete(name);
    return undefined;
  }

  #delayMs(count: number): number {
    const { freeFailures, firstDelayMs, maxDelayMs } = this.#limits;
    return count <= freeFailures ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** (count - freeFailures - 1));
  }
}
