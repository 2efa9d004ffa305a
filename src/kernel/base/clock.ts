/** Source of time, passed in so that a seeded test can replace it. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC, whole; may jump when the machine's clock is set. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start, with fractions; never goes back. For durations and deadlines. */
  monotonicMs(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
