import { expect, test } from "bun:test";
import { ClientRate } from "./client-rate.ts";

test("ClientRate: nothing before the first whole window, then the last window's rate", () => {
  const rate = new ClientRate();
  const seen = [0, 1000, 4999, 5000, 9000, 10_000].map((nowMs) => {
    rate.note(nowMs < 6000 ? nowMs * 2 : 10_000, nowMs);
    return rate.bytesPerSecond;
  });
  expect(seen).toEqual([undefined, undefined, undefined, 2000, 2000, 0]);
});

test("ClientRate: a reset forgets all", () => {
  const rate = new ClientRate();
  rate.note(0, 0);
  rate.note(100, 5000);
  rate.reset();
  expect(rate.bytesPerSecond).toBeUndefined();
  rate.note(7, 6000);
  rate.note(57, 11_000);
  expect(rate.bytesPerSecond).toBe(10);
});
