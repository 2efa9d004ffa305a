import { expect, test } from "bun:test";
import fc from "fast-check";
import { batchBuckets, bucketIndex, durationBuckets, type HistogramBuckets, sizeBuckets } from "./histogram-buckets.ts";

const all: readonly [string, HistogramBuckets][] = [
  ["duration", durationBuckets],
  ["size", sizeBuckets],
  ["batch", batchBuckets],
];

function slowIndex({ bounds }: HistogramBuckets, value: number): number {
  const index = bounds.findIndex((bound) => value <= bound);
  return index < 0 ? bounds.length : index;
}

for (const [name, buckets] of all) {
  test(`bucketIndex: agrees with a search from the start, ${name}`, () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e12, noNaN: true }), fc.constantFrom(...buckets.bounds)),
        (value) => bucketIndex(buckets, value) === slowIndex(buckets, value),
      ),
    );
  });

  test(`bucketIndex: a bound belongs to its own bucket and its neighbour above to the next, ${name}`, () => {
    for (const [index, bound] of buckets.bounds.entries()) {
      expect(bucketIndex(buckets, bound)).toBe(index);
      expect(bucketIndex(buckets, bound + 1e-6 * bound)).toBe(index + 1);
    }
  });
}

test("bucketIndex: nonsense is counted in the first bucket", () => {
  expect(bucketIndex(durationBuckets, Number.NaN)).toBe(0);
  expect(bucketIndex(durationBuckets, -1)).toBe(0);
});

test("durationBuckets: the limits of the alerts are bounds", () => {
  for (const ms of [50, 100, 200, 500, 1000]) expect(durationBuckets.bounds).toContain(ms * 1000);
});
