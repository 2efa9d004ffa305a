import { expect, test } from "bun:test";
import { maxDelayMs, RestartBackoff, wellAfterMs } from "./restart-backoff.ts";

test("RestartBackoff: the first restart comes at once, later ones after twice the time, up to the limit", () => {
  const backoff = new RestartBackoff();
  const delays = Array.from({ length: 9 }, () => backoff.nextDelayMs(50));
  expect(delays).toEqual([0, 100, 200, 400, 800, 1600, 3200, maxDelayMs, maxDelayMs]);
});

test("RestartBackoff: a thread that ran well starts again at once", () => {
  const backoff = new RestartBackoff();
  for (let count = 0; count < 5; count++) backoff.nextDelayMs(50);
  expect(backoff.nextDelayMs(wellAfterMs)).toBe(0);
  expect(backoff.nextDelayMs(50)).toBe(100);
});
