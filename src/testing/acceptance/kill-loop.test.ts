import { expect, test } from "bun:test";
import { runKillLoop } from "./kill-loop.ts";

const seed = Number(process.env["MAXIOFS_KILL_SEED"] ?? 1);
const rounds = Number(process.env["MAXIOFS_KILL_ROUNDS"] ?? 20);

test(
  `kill -9, ${rounds} rounds with seed ${seed}: every acknowledged write is read back byte for byte, none is half visible`,
  async () => {
    const report = await runKillLoop({ rounds, seed, writers: 8 });
    expect(report.problems).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(rounds * 10);
  },
  60_000 + rounds * 15_000,
);
