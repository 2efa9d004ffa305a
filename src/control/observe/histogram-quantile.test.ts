import { expect, test } from "bun:test";
import { bucketIndex, durationBuckets } from "#kernel/metrics/histogram-buckets.ts";
import { histogramCells } from "#kernel/metrics/slot-layout.ts";
import { histogramQuantile } from "./histogram-quantile.ts";

function cellsOf(values: readonly number[]): Float64Array {
  const cells = new Float64Array(histogramCells(durationBuckets));
  for (const value of values) {
    const index = bucketIndex(durationBuckets, value);
    cells[index] = (cells[index] ?? 0) + 1;
  }
  return cells;
}

test("histogramQuantile: lies in the bucket of the value", () => {
  const values = Array.from({ length: 1000 }, (_, index) => 100 + index * 100);
  for (const rank of [0.5, 0.95, 0.99]) {
    const exact = values[Math.ceil(rank * values.length) - 1] ?? 0;
    const found = histogramQuantile(durationBuckets, cellsOf(values), rank) ?? 0;
    expect(bucketIndex(durationBuckets, found)).toBe(bucketIndex(durationBuckets, exact));
  }
});

test("histogramQuantile: nothing without values, the last bound above it", () => {
  expect(histogramQuantile(durationBuckets, cellsOf([]), 0.5)).toBeUndefined();
  expect(histogramQuantile(durationBuckets, cellsOf([1e9]), 0.5)).toBe(7e7);
});
