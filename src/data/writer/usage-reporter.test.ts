import { expect, test } from "bun:test";
import type { BucketUsage } from "#kernel/protocol/bucket-usage.ts";
import { UsageReporter } from "./usage-reporter.ts";

/** A reporter of buckets whose catalogs hold as many objects as the numbers at the ends of their ids; those of `bad` cannot be read. */
function openReporter(buckets: readonly string[], bad: readonly string[] = []) {
  const told: { readonly usages: readonly BucketUsage[]; readonly isComplete: boolean }[] = [];
  const reads: string[] = [];
  const reporter = new UsageReporter({
    sink: { take: (usages, isComplete) => void told.push({ usages, isComplete }) },
    list: () => buckets,
    read: (bucketId) => {
      reads.push(bucketId);
      if (bad.includes(bucketId)) throw new Error("SQLITE_CORRUPT");
      return { objects: Number(bucketId.slice(1)), bytes: 10 * Number(bucketId.slice(1)) };
    },
  });
  reporter.start();
  reporter.stop();
  return { reporter, told, reads };
}

function usageOf(number: number): BucketUsage {
  return { bucketId: `b${number}`, objects: number, bytes: 10 * number };
}

test("UsageReporter: four buckets per look; complete once all were looked at", () => {
  const { reporter, told, reads } = openReporter(["b1", "b2", "b3", "b4", "b5"]);
  reporter.scan();
  expect(reads).toEqual(["b1", "b2", "b3", "b4"]);
  reporter.report();
  reporter.scan();
  reporter.report();
  expect(told).toEqual([
    { usages: [1, 2, 3, 4].map(usageOf), isComplete: false },
    { usages: [usageOf(5)], isComplete: true },
  ]);
  reporter.report();
  expect(told).toHaveLength(2);
});

test("UsageReporter: what was written is newer than what a look finds, and only changes are told again", () => {
  const { reporter, told, reads } = openReporter(["b1", "b2"]);
  reporter.note("b1", { objects: 7, bytes: 70 });
  reporter.scan();
  expect(reads).toEqual(["b2"]);
  reporter.report();
  reporter.note("b2", { objects: 3, bytes: 30 });
  reporter.note("b2", { objects: 4, bytes: 40 });
  reporter.report();
  expect(told.map(({ usages }) => usages)).toEqual([
    [{ bucketId: "b1", objects: 7, bytes: 70 }, usageOf(2)],
    [{ bucketId: "b2", objects: 4, bytes: 40 }],
  ]);
});

test("UsageReporter: a catalog that cannot be read leaves its bucket out and holds nothing up", () => {
  const { reporter, told } = openReporter(["b1", "b2"], ["b1"]);
  reporter.scan();
  reporter.report();
  expect(told).toEqual([{ usages: [usageOf(2)], isComplete: true }]);
});

test("UsageReporter: without buckets it tells that all were read, once", () => {
  const { reporter, told } = openReporter([]);
  reporter.report();
  reporter.report();
  expect(told).toEqual([{ usages: [], isComplete: true }]);
});
