import { describe, expect, test } from "bun:test";
import { checkImages } from "../power-loss/check-images.ts";
import { type CrashPoint, chooseCrashPoints } from "../power-loss/crash-point.ts";
import type { DiskHistory } from "../power-loss/disk-step.ts";
import { dropSyncs, syncKinds } from "../power-loss/drop-syncs.ts";
import { recordRun } from "../power-loss/record-run.ts";
import { canTrace } from "../power-loss/traced-server.ts";
import { reportTool } from "./client-tool.ts";

// `scripts/power-loss` sets these for the long form.
const seed = Number(process.env["MAXIOFS_POWER_LOSS_SEED"] ?? 1);
const maxCount = Number(process.env["MAXIOFS_POWER_LOSS_IMAGES"] ?? 50);
const actionsPerClient = Number(process.env["MAXIOFS_POWER_LOSS_ACTIONS"] ?? 30);
const isLong = maxCount > 100;

const isMissing = !reportTool("strace", canTrace());
const run = isMissing ? undefined : await recordRun({ seed, clientCount: 3, actionsPerClient });

describe.skipIf(isMissing)("power loss", () => {
  test(
    "server: every image a crash can leave holds what was acknowledged, and nothing by half",
    async () => {
      if (run === undefined) return;
      const points = chooseCrashPoints(run.history.steps, { seed, maxCount });
      const violations = await checkImages(run, points, {
        maxViolations: isLong ? 50 : 3,
        onChecked: (count, violation) => {
          if (violation) console.error(`image ${count}:`, violation);
          else if (isLong && count % 50 === 0) console.log(`${count} of ${points.length} images`);
        },
      });
      expect(violations).toEqual([]);
    },
    maxCount * 30_000,
  );

  test("harness: the moment at which it looks for missing syncs is no violation itself", async () => {
    if (run === undefined) return;
    expect(await checkImages(run, [lastMoment(run.history)], { maxViolations: 1 })).toEqual([]);
  }, 60_000);

  test.each(syncKinds)(
    "harness: finds out that nobody syncs: $name",
    async (kind) => {
      if (run === undefined) return;
      const history = dropSyncs(run.history, kind);
      expect(history.steps.length).toBeLessThan(run.history.steps.length);
      const violations = await checkImages({ ...run, history }, [lastMoment(history)], { maxViolations: 1 });
      expect(violations).toHaveLength(1);
    },
    60_000,
  );
});

/** Everything is acknowledged, nothing unsynced is left, the server has not begun to end. */
function lastMoment({ steps }: DiskHistory): CrashPoint {
  return { stepCount: steps.findLastIndex(({ kind }) => kind === "answer") + 1, fate: "lost", seed };
}
