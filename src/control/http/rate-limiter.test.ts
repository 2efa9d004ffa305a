import { expect, test } from "bun:test";
import { FakeClock } from "#testing/fake-clock.ts";
import { maxRateNames, RateLimiter } from "./rate-limiter.ts";

const rate = { limit: 3, windowMs: 3000 };

test("RateLimiter: a burst of the limit, then one as time passes", () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter(clock);
  const take = () => limiter.take("a", rate);
  expect([take(), take(), take()].map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
    [true, 2],
    [true, 1],
    [true, 0],
  ]);
  expect(take()).toEqual({ allowed: false, limit: 3, remaining: 0, resetSeconds: 3, retryAfterSeconds: 1 });
  clock.advance(999);
  expect(take().allowed).toBe(false);
  clock.advance(1);
  expect(take().allowed).toBe(true);
  clock.advance(3_600_000);
  expect(take().remaining).toBe(2);
  expect(limiter.take("b", rate).remaining).toBe(2);
});

test("RateLimiter: the names it remembers are bounded, those used longest ago go first", () => {
  const limiter = new RateLimiter(new FakeClock());
  for (let i = 0; i < 3; i++) limiter.take("first", rate);
  for (let i = 0; i < 3; i++) limiter.take("second", rate);
  for (let i = 0; i < maxRateNames - 1; i++) limiter.take(String(i), rate);
  expect(limiter.take("second", rate).allowed).toBe(false);
  expect(limiter.take("first", rate).allowed).toBe(true);
});
