import type { Clock } from "#kernel/base/clock.ts";

/** A clock that only moves when it is told to. */
export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;

  /** @param nowMs wall clock at the start, ms since 1970 */
  constructor(nowMs: number = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Moves both clocks on. */
  advance(ms: number): void {
    this.#nowMs += ms;
    this.#monotonicMs += ms;
  }
}
