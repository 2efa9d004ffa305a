import { durationBuckets } from "#kernel/metrics/histogram-buckets.ts";
import type { OperationLabels } from "#kernel/metrics/operation-index.ts";
import {
  histogramCells,
  outcomes,
  type SlotLayout,
  statusClasses,
  storageOperations,
} from "#kernel/metrics/slot-layout.ts";
import { countHistogram, histogramQuantile } from "./histogram-quantile.ts";
import { sum } from "./slot-metric.ts";

/** What one operation did: how long it took, how often, and how many failed by the server's fault. */
export interface OperationCounts {
  readonly operation: string;
  /** Undefined when it was not called. */
  readonly latencies: Latencies | undefined;
  readonly count: number;
  readonly failed: number;
}

/** Milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
}

/** Latencies of a histogram of `durationBuckets`; undefined when it is empty. */
export function readLatencies(durations: Float64Array): Latencies | undefined {
  const count = countHistogram(durationBuckets, durations);
  if (count === 0) return undefined;
  const quantile = (rank: number) => (histogramQuantile(durationBuckets, durations, rank) ?? 0) / 1000;
  return {
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    mean: (durations.at(-1) ?? 0) / count / 1000,
  };
}

/** Percent of calls that did not fail by the server's fault. */
export function successRate({ count, failed }: OperationCounts): number {
  return (100 * (count - failed)) / count;
}

/** Each S3 operation, and catalog and blobs as operations of their own, in the cells of a slot's layout. */
export function countOperations(
  cells: Float64Array,
  { layout, operations }: { readonly layout: SlotLayout; readonly operations: readonly OperationLabels[] },
): OperationCounts[] {
  const size = histogramCells(durationBuckets);
  const s3 = operations.map(({ operation }, index) => {
    const start = layout.requests + index * statusClasses.length;
    const own = cells.subarray(start, start + statusClasses.length);
    const first = layout.durations + index * size;
    return {
      operation,
      latencies: readLatencies(cells.subarray(first, first + size)),
      count: sum(own),
      failed: own[statusClasses.indexOf("5xx")] ?? 0,
    };
  });
  return [
    ...s3,
    countStorage("CatalogCommit", cells, { layout, names: ["commit"] }),
    countStorage("BlobIO", cells, { layout, names: storageOperations.filter((name) => name !== "commit") }),
  ];
}

function countStorage(
  operation: string,
  cells: Float64Array,
  { layout, names }: { readonly layout: SlotLayout; readonly names: readonly (typeof storageOperations)[number][] },
): OperationCounts {
  const size = histogramCells(durationBuckets);
  const durations = new Float64Array(size);
  let failed = 0;
  for (const name of names) {
    for (const [at, outcome] of outcomes.entries()) {
      const start = layout.storage + (storageOperations.indexOf(name) * outcomes.length + at) * size;
      const own = cells.subarray(start, start + size);
      for (const [cell, value] of own.entries()) durations[cell] = (durations[cell] ?? 0) + value;
      if (outcome === "error") failed += countHistogram(durationBuckets, own);
    }
  }
  return { operation, latencies: readLatencies(durations), count: countHistogram(durationBuckets, durations), failed };
}
