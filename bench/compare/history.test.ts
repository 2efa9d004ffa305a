import { expect, test } from "bun:test";
import { findSlower, type HistoryEntry, margin, minRuns, parseHistory } from "./history.ts";

function entry(rate: number, time: number, machine = "here"): HistoryEntry {
  const rows = [
    { work: "PUT", measured: rate, unit: "/s", errorCount: 0 },
    { work: "start", measured: time, unit: "ms", errorCount: 0 },
    { work: "limit: disk", measured: rate, unit: "/s", errorCount: 0 },
  ];
  return { at: "2026-01-02T03:04:05Z", machine, short: true, workers: 0, binary: "", rows };
}

test("findSlower: named is what is worse than every earlier run and by more than the margin", () => {
  const earlier = [entry(100, 50), entry(110, 52), entry(105, 48)];
  const worse = (rate: number, time: number) => findSlower([...earlier, entry(rate, time)])?.map(({ work }) => work);
  expect(worse(105 * (1 - margin) - 1, 50)).toEqual(["PUT"]);
  expect(worse(105 * (1 - margin) + 1, 50)).toEqual([]);
  expect(worse(200, 50 * (1 + margin) + 1)).toEqual(["start"]);
  expect(worse(200, 50 * (1 + margin) - 1)).toEqual([]);
});

test("findSlower: rows with errors and runs with other workers or another binary do not count", () => {
  const earlier = [entry(100, 50), entry(110, 52), entry(105, 48)];
  const spoil = (one: HistoryEntry) => ({ ...one, rows: one.rows.map((row) => ({ ...row, errorCount: 1 })) });
  expect(findSlower([...earlier, spoil(entry(0, 0)), entry(50, 50)])?.map(({ work }) => work)).toEqual(["PUT"]);
  expect(findSlower([...earlier, spoil(entry(50, 500))])).toEqual([]);
  expect(findSlower([...earlier, { ...entry(50, 500), workers: 1 }])).toBeUndefined();
  expect(findSlower([...earlier, { ...entry(50, 500), binary: "dist/maxiofs" }])).toBeUndefined();
});

test("findSlower: other machines and too few runs say nothing", () => {
  const few = Array.from({ length: minRuns - 1 }, () => entry(100, 50));
  expect(findSlower([...few, entry(10, 500)])).toBeUndefined();
  expect(findSlower([...few, entry(100, 50, "there"), entry(10, 500)])).toBeUndefined();
  expect(findSlower([...few, entry(100, 50), entry(10, 500)])).toHaveLength(2);
  expect(findSlower(parseHistory(""))).toBeUndefined();
  expect(() => parseHistory('{"a":1}\nnonsense')).toThrow("Line 2");
});

test("findSlower: runs without the row count for no row, and a median of nothing has no tenth", () => {
  const earlier = [entry(100, 0), entry(110, 0), entry(105, 0)];
  const others = Array.from({ length: 20 }, () => ({ ...entry(1, 1), rows: [] }));
  expect(findSlower([...earlier, ...others, entry(50, 1)])?.map(({ work }) => work)).toEqual(["PUT"]);
});
