import { expect, test } from "bun:test";
import { FakeClock } from "#testing/fake-clock.ts";
import { BucketUsages } from "./bucket-usages.ts";
import { LiveMeter, maxLiveBuckets } from "./live-meter.ts";

/** A meter of buckets whose bytes are their numbers; every second one is of the tenant `acme`. */
function makeMeter(count: number): LiveMeter {
  const usages = new BucketUsages();
  const buckets = new Map<string, { readonly name: string; readonly tenantId: string }>();
  for (let number = 1; number <= count; number++) {
    buckets.set(`id-${number}`, { name: `bucket-${number}`, tenantId: number % 2 === 0 ? "acme" : "other" });
    usages.take([{ bucketId: `id-${number}`, bytes: number, objects: 1 } as never], number === count);
  }
  return new LiveMeter({ source: { threads: () => [] }, usages, buckets, clock: new FakeClock() });
}

test("LiveMeter: storage of a tenant is of its own buckets, the largest first", () => {
  const meter = makeMeter(5);
  const own = [
    { bucket: "bucket-4", bytes: 4, objects: 1 },
    { bucket: "bucket-2", bytes: 2, objects: 1 },
  ];
  const whole = { isComplete: true, cacheBytes: null };
  expect(meter.read("storage", "acme")).toEqual({ ...whole, bytes: 6, objects: 2, bucketCount: 2, buckets: own });
  expect(meter.read("storage", "nobody")).toMatchObject({ bytes: 0, objects: 0, bucketCount: 0, buckets: [] });
  expect(meter.read("storage", undefined)).toMatchObject({ bytes: 15, objects: 5, bucketCount: 5, cacheBytes: 0 });
});

test.each([0, 1])("LiveMeter: maxLiveBuckets and %d more: as many are named, all are counted", (more) => {
  const count = maxLiveBuckets + more;
  const storage = makeMeter(count).read("storage", undefined) as { readonly buckets: readonly unknown[] };
  expect([storage.buckets.length, storage]).toMatchObject([maxLiveBuckets, { bucketCount: count, objects: count }]);
});
