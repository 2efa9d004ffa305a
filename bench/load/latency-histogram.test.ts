import { expect, test } from "bun:test";
import fc from "fast-check";
import { LatencyHistogram } from "./latency-histogram.ts";

test("LatencyHistogram: a percentile is the exact one or at most 1.6 % and 1 us above", () => {
  const values = fc.array(fc.integer({ min: 0, max: 2 ** 36 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, fc.constantFrom(0.5, 0.9, 0.99, 1), (list, share) => {
      const histogram = new LatencyHistogram();
      for (const value of list) histogram.record(value);
      const exact = list.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(list.length * share)) - 1] ?? 0;
      const found = histogram.percentileUs(share);
      expect(found).toBeGreaterThanOrEqual(exact);
      expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 64) + 1);
    }),
  );
});

test("LatencyHistogram: add counts both", () => {
  const [left, right] = [new LatencyHistogram(), new LatencyHistogram()];
  left.record(10);
  right.record(1000);
  left.add(right);
  expect([left.count, left.maxUs, left.percentileUs(1)]).toEqual([2, 1000, 1000]);
});
