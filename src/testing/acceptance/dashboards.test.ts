import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = resolve(import.meta.dirname, "../../../grafana/dashboards");
const files = readdirSync(folder);

test("the performance board keeps its uid, refresh, window and seven panels", () => {
  const board = JSON.parse(readFileSync(join(folder, "performance.json"), "utf8"));
  expect(board).toMatchObject({
    uid: "maxiofs-performance",
    title: "MaxIOFS - Performance Metrics",
    refresh: "5s",
    time: { from: "now-15m", to: "now" },
  });
  expect(board.panels.map(({ title }: { title: string }) => title)).toEqual([
    "Operation latency percentiles",
    "Operation success rate",
    "Requests per second",
    "Bytes per second",
    "Objects per second",
    "Operation distribution",
    "Mean operation latency",
  ]);
});

test("every panel of every board has a query of a series of MaxIOFS", () => {
  for (const file of files) {
    for (const { targets } of JSON.parse(readFileSync(join(folder, file), "utf8")).panels) {
      expect(targets.length).toBeGreaterThan(0);
      for (const { expr } of targets) expect(expr).toMatch(/maxiofs_[a-z0-9_]+\{instance=~"\$instance"/);
    }
  }
});
