import { expect, test } from "bun:test";
import { AttemptLimiter, type AttemptLimits } from "./attempt-limiter.ts";

const limits: AttemptLimits = {
  freeFailures: 2,
  firstDelayMs: 1000,
  maxDelayMs: 4000,
  forgetAfterMs: 60_000,
  maxNames: 3,
};

function open() {
  const time = { ms: 0 };
  const clock = { nowMs: () => time.ms, monotonicMs: () => time.ms };
  return { time, limiter: new AttemptLimiter(limits, clock) };
}

test("AttemptLimiter: free failures, then delays that double up to the longest", () => {
  const { limiter } = open();
  expect([1, 2, 3, 4, 5, 6].map(() => limiter.fail("a"))).toEqual([0, 0, 1000, 2000, 4000, 4000]);
  expect(limiter.waitMs("a")).toBe(4000);
  expect(limiter.waitMs("b")).toBe(0);
});

test("AttemptLimiter: the delay passes, the count stays until it is forgotten or an attempt succeeds", () => {
  const { limiter, time } = open();
  for (let i = 0; i < 3; i++) limiter.fail("a");
  time.ms = 999;
  expect(limiter.waitMs("a")).toBe(1);
  time.ms = 1000;
  expect(limiter.waitMs("a")).toBe(0);
  expect(limiter.fail("a")).toBe(2000);
  time.ms += 59_999;
  expect(limiter.fail("a")).toBe(4000);
  time.ms += 60_000;
  expect(limiter.fail("a")).toBe(0);
  limiter.fail("a");
  limiter.succeed("a");
  expect(limiter.fail("a")).toBe(0);
});

test("AttemptLimiter: it remembers so many names and no more, the newest failures first", () => {
  const { limiter } = open();
  for (const name of ["a", "b", "c"]) for (let i = 0; i < 3; i++) limiter.fail(name);
  limiter.fail("a");
  limiter.fail("d");
  expect(["a", "b", "c"].map((name) => limiter.waitMs(name) > 0)).toEqual([true, false, true]);
});

test("AttemptLimiter: so many failures are forgiven and no more", () => {
  const { limiter } = open();
  for (let i = 0; i < 4; i++) limiter.fail("a");
  limiter.forgive("a", 2);
  limiter.forgive("b", 2);
  expect([limiter.count("a"), limiter.waitMs("a"), limiter.count("b")]).toEqual([2, 0, 0]);
  expect(limiter.fail("a")).toBe(1000);
  limiter.forgive("a", 5);
  expect([limiter.count("a"), limiter.fail("a")]).toEqual([0, 0]);
});
