import { expect, test } from "bun:test";
import { quotaLevel } from "./quota-level.ts";

test.each([
  [79, 0, 0],
  [80, 0, 80],
  [89, 80, 80],
  [90, 80, 90],
  [99, 0, 90],
  [100, 0, 100],
  [250, 0, 100],
  // Falling.
  [95, 100, 100],
  [94, 100, 90],
  [85, 90, 90],
  [84, 90, 80],
  [75, 80, 80],
  [74, 80, 0],
  [10, 100, 0],
])("quotaLevel: %d of 100 after level %d is at level %d", (used, before, level) => {
  expect(quotaLevel(used, 100, before)).toBe(level);
  expect(quotaLevel(used * 2 ** 40, 100 * 2 ** 40, before)).toBe(level);
});

test("quotaLevel: no bound is never used up; a bound of zero is when there is something", () => {
  expect([quotaLevel(1e15, null, 100), quotaLevel(0, 0, 100), quotaLevel(1, 0, 0)]).toEqual([0, 0, 100]);
});
