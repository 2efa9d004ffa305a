import { expect, test } from "bun:test";
import { OverdueWaiters, type WaitingLine } from "./overdue-waiters.ts";

/** What each look tells of a line that is at one of `states` each second. */
function lookAt(states: readonly (readonly [waitingCount: number, servedCount: number])[]): number[] {
  let now: WaitingLine = { waitingCount: 0, servedCount: 0 };
  const overdue = new OverdueWaiters(() => now);
  return states.map(([waitingCount, servedCount]) => {
    now = { waitingCount, servedCount };
    return overdue.look();
  });
}

test("OverdueWaiters: who was in line five looks ago and still is", () => {
  const still = Array.from({ length: 7 }, () => [3, 10] as const);
  expect(lookAt(still)).toEqual([0, 0, 0, 0, 0, 3, 3]);
  expect(
    lookAt([
      [3, 0],
      [4, 0],
      [4, 0],
      [4, 0],
      [4, 0],
      [2, 2],
      [0, 4],
      [9, 4],
    ]),
  ).toEqual([0, 0, 0, 0, 0, 1, 0, 0]);
});

test("OverdueWaiters: a line that moves has nobody overdue, however long it is", () => {
  const moving = Array.from({ length: 20 }, (_, second) => [300, second * 100] as const);
  expect(lookAt(moving).every((count) => count === 0)).toBe(true);
});
