import type { Clock } from "#kernel/base/clock.ts";

/** So many in so long; a burst of all of them is allowed. */
export interface Rate {
  /** 1 at least. */
  readonly limit: number;
  readonly windowMs: number;
}

/** Whether one more is allowed, and what is left. */
export interface RateState {
  readonly allowed: boolean;
  readonly limit: number;
  /** Whole ones that may follow at once. */
  readonly remaining: number;
  /** Until everything is left again, s, rounded up. */
  readonly resetSeconds: number;
  /** Until one more is allowed, s, 1 at least. */
  readonly retryAfterSeconds: number;
}

/** Names remembered at a time; the one that was used longest ago gives way. */
export const maxRateNames = 10_000;

/** Limits how often something happens under a name, by token buckets. Its memory is bounded. */
export class RateLimiter {
  readonly #clock: Clock;
  /** In the order of their last use. */
  readonly #buckets = new Map<string, { readonly tokens: number; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one of what is left under the name. */
  take(name: string, { limit, windowMs }: Rate): RateState {
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(name);
    const perMs = limit / windowMs;
    const filled = bucket === undefined ? limit : Math.min(limit, bucket.tokens + (nowMs - bucket.atMs) * perMs);
    const allowed = filled >= 1;
    const tokens = allowed ? filled - 1 : filled;
    this.#buckets.delete(name);
    this.#buckets.set(name, { tokens, atMs: nowMs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > maxRateNames && oldest !== undefined) this.#buckets.delete(oldest);
    return {
      ...{ allowed, limit, remaining: Math.floor(tokens) },
      resetSeconds: Math.ceil((limit - tokens) / perMs / 1000),
      retryAfterSeconds: Math.max(1, Math.ceil((1 - tokens) / perMs / 1000)),
    };
  }
}
