import { expect, test } from "bun:test";
import { runKillLoop } from "./kill-loop.ts";

const rounds = 200;

test("kill -9, 200 rounds: every acknowledged write is read back byte for byte, none is half visible", async () => {
  const report = await runKillLoop({ rounds, seed: 2, writers: 12 });
  expect(report.problems).toEqual([]);
  expect(report.acknowledged).toBeGreaterThan(rounds * 10);
}, 1_800_000);
