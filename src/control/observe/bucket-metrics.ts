import type { Registry } from "prom-client";
import type { BucketRows } from "#kernel/metrics/bucket-rows.ts";
import { derivedSeries } from "#kernel/metrics/series.ts";
import type { BucketUsages } from "./bucket-usages.ts";
import { addGauge, type Sample } from "./slot-metric.ts";

/** What the series of buckets are read from. */
export interface BucketMetricsOptions {
  readonly usages: BucketUsages;
  readonly buckets: ReadonlyMap<string, { readonly name: string }>;
  readonly bucketRows: BucketRows;
}

type Measure = "objects" | "bytes";

/** Adds sizes of buckets, and of all together. */
export function registerBucketMetrics(registry: Registry, options: BucketMetricsOptions): void {
  addGauge(registry, derivedSeries.bucketBytes, () => readBuckets(options, "bytes"));
  addGauge(registry, derivedSeries.bucketObjects, () => readBuckets(options, "objects"));
  addGauge(registry, derivedSeries.storageBytes, () => readStorageTotal(options, "bytes"));
  addGauge(registry, derivedSeries.storageObjects, () => readStorageTotal(options, "objects"));
  addGauge(registry, derivedSeries.storageBuckets, () => [{ labels: {}, value: options.buckets.size }]);
}

function readBuckets({ usages, buckets, bucketRows }: BucketMetricsOptions, measure: Measure): Sample[] {
  const byLabel = new Map<string, number>();
  for (const [bucketId, { name }] of buckets) {
    const usage = usages.find(bucketId);
    if (!usage) continue;
    const bucket = bucketRows.labelOf(name);
    byLabel.set(bucket, (byLabel.get(bucket) ?? 0) + usage[measure]);
  }
  return [...byLabel].map(([bucket, value]) => ({ labels: { bucket }, value }));
}

/** What all buckets hold together; empty until every bucket was counted. The history asks every minute. */
export function readStorageTotal(
  { usages, buckets }: Omit<BucketMetricsOptions, "bucketRows">,
  measure: Measure,
): Sample[] {
  if (!usages.isComplete) return [];
  usages.keepOnly(buckets);
  let value = 0;
  for (const bucketId of buckets.keys()) value += usages.find(bucketId)?.[measure] ?? 0;
  return [{ labels: {}, value }];
}
