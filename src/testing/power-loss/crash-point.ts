import { seededRandom } from "../acceptance/test-data.ts";
import { type CrashFate, keepsAll, losesAll, randomFate } from "./disk-model.ts";
import type { DiskStep } from "./disk-step.ts";

/** What happens to unsynced changes: all lost, all kept, or some by a seeded choice. */
export type FateKind = "lost" | "kept" | "mixed";

/** A moment of a run at which the power fails. */
export interface CrashPoint {
  /** Steps of the history that have happened. */
  readonly stepCount: number;
  readonly fate: FateKind;
  /** Of a mixed fate. */
  readonly seed: number;
}

/** How many points there are to be, and which. */
export interface CrashPointOptions {
  readonly seed: number;
  /** At most; the chosen ones are spread over all kinds. Infinity: all. */
  readonly maxCount: number;
}

/**
 * Moments just before and just after each sync and after each answer, each with all fates, and as many random moments with a mixed
 * one. Ordered by time.
 */
export function chooseCrashPoints(steps: readonly DiskStep[], options: CrashPointOptions): CrashPoint[] {
  const random = seededRandom(options.seed);
  const boundaries = new Set<number>();
  for (const [index, { kind }] of steps.entries()) {
    if (kind === "sync") boundaries.add(index).add(index + 1);
    if (kind === "answer") boundaries.add(index + 1);
  }
  const points: CrashPoint[] = [];
  for (const stepCount of boundaries) {
    for (const fate of ["lost", "kept", "mixed"] as const) points.push({ stepCount, fate, seed: draw() });
    points.push({ stepCount: Math.floor(random() * (steps.length + 1)), fate: "mixed", seed: draw() });
  }
  shuffle(points, random);
  return points.slice(0, Math.min(points.length, options.maxCount)).sort((a, b) => a.stepCount - b.stepCount);

  function draw(): number {
    return Math.floor(random() * 2 ** 31);
  }
}

/** The decisions of a point; calling it again begins anew. */
export function fateOf({ fate, seed }: CrashPoint): CrashFate {
  if (fate === "lost") return losesAll;
  if (fate === "kept") return keepsAll;
  const random = seededRandom(seed);
  return randomFate(random, [0.15, 0.5, 0.85][Math.floor(random() * 3)] ?? 0.5);
}

function shuffle(points: CrashPoint[], random: () => number): void {
  for (let last = points.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [points[last], points[other]];
    if (a === undefined || b === undefined) return;
    points[last] = b;
    points[other] = a;
  }
}
