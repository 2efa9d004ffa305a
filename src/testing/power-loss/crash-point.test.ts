import { expect, test } from "bun:test";
import { chooseCrashPoints } from "./crash-point.ts";
import type { DiskStep } from "./disk-step.ts";

const steps: DiskStep[] = [
  { kind: "entry", at: 1, completedAt: 1, folder: 0, names: [] },
  { kind: "sync", at: 2, startedAt: 2, inode: 0 },
  { kind: "answer", at: 3, status: 200, requestId: "A" },
];

test("chooseCrashPoints: before and after each sync, after each answer, with every fate", () => {
  const points = chooseCrashPoints(steps, { seed: 1, maxCount: Number.POSITIVE_INFINITY });
  const named = new Set(points.map(({ stepCount, fate }) => `${stepCount} ${fate}`));
  for (const stepCount of [1, 2, 3]) {
    for (const fate of ["lost", "kept", "mixed"]) expect(named).toContain(`${stepCount} ${fate}`);
  }
  expect(points).toEqual(points.toSorted((a, b) => a.stepCount - b.stepCount));
});

test("chooseCrashPoints: keeps to its number and its seed", () => {
  const points = chooseCrashPoints(steps, { seed: 1, maxCount: 5 });
  expect(points).toHaveLength(5);
  expect(chooseCrashPoints(steps, { seed: 1, maxCount: 5 })).toEqual(points);
});
