import type { Clock } from "#kernel/base/clock.ts";
import type { Log } from "./log.ts";

/** A smaller step is of those with which machines keep time, s. */
export const minClockStep = 60;

/** Tells when the machine's clock was set while the server runs, or stood still with it: who signs by a clock that is right is refused by one that is not. */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #log: Pick<Log, "warn">;
  #offsetMs: number;

  constructor(clock: Clock, log: Pick<Log, "warn">) {
    this.#clock = clock;
    this.#log = log;
    this.#offsetMs = this.#findOffset();
  }

  /** Compares the clock with the time that has gone by since the last look. */
  look(): void {
    const offsetMs = this.#findOffset();
    const stepSeconds = Math.round((offsetMs - this.#offsetMs) / 1000);
    if (Math.abs(stepSeconds) < minClockStep) return;
    this.#offsetMs = offsetMs;
    const message =
      "The machine's clock was set, or it slept: requests signed more than 15 minutes off its time are refused";
    this.#log.warn(message, { stepSeconds, now: new Date(this.#clock.nowMs()).toISOString() });
  }

  #findOffset(): number {
    return this.#clock.nowMs() - this.#clock.monotonicMs();
  }
}
