import { cpus, freemem, totalmem } from "node:os";
import type { Registry } from "prom-client";
import type { Clock } from "#kernel/base/clock.ts";
import { readDiskState } from "#kernel/metrics/disk-state.ts";
import { sizeBuckets } from "#kernel/metrics/histogram-buckets.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import type { OperationLabels } from "#kernel/metrics/operation-index.ts";
import { derivedSeries, type Series } from "#kernel/metrics/series.ts";
import { histogramCells, type SlotLayout, slotCell, statusClasses } from "#kernel/metrics/slot-layout.ts";
import { countOperations, type OperationCounts, successRate } from "./operation-counts.ts";
import { OperationWindow, type ProcessorTimes, type WindowCounts } from "./operation-window.ts";
import { addCells, addCounter, addGauge, type Sample, someSample, sum } from "./slot-metric.ts";

/** What the series are worked out from. */
export interface DerivedMetricsOptions {
  readonly source: MetricsSource;
  readonly layout: SlotLayout;
  /** By operation index. */
  readonly operations: readonly OperationLabels[];
  readonly clock: Clock;
}

/** Operations that store, read or delete one object. */
const objectOperations: ReadonlySet<string> = new Set([
  "PutObject",
  "GetObject",
  "CopyObject",
  "DeleteObject",
  "CompleteMultipartUpload",
]);

const cache = "object";
/** One read of the window serves all series of a scrape, ms. */
const reuseMs = 200;

/** The window as one scrape sees it. */
interface ReadWindow {
  readonly counts: WindowCounts;
  readonly operations: readonly OperationCounts[];
}

/** Adds what is worked out at a scrape: counts, rates and percentiles by operation, cache, machine. */
export function registerDerivedMetrics(registry: Registry, options: DerivedMetricsOptions): void {
  const { source, layout, clock } = options;
  const window = new OperationWindow({ source, layout, clock, readProcessors });
  window.start();
  let last: (ReadWindow & { readonly atMs: number }) | undefined;
  const read = (): ReadWindow => {
    const nowMs = clock.monotonicMs();
    if (last === undefined || nowMs - last.atMs > reuseMs) {
      const counts = window.read();
      last = { counts, operations: countOperations(counts.cells, options), atMs: nowMs };
    }
    return last;
  };
  registerOperations(registry, options, () => read().operations);
  registerThroughput(registry, options, () => read().counts);
  registerMachine(registry, source, () => read().counts);
}

function registerOperations(
  registry: Registry,
  options: DerivedMetricsOptions,
  read: () => readonly OperationCounts[],
): void {
  const { source, layout } = options;
  addCounter(registry, derivedSeries.operationCount, () => {
    const cells = new Float64Array(layout.bucketRequests);
    for (const [start, end] of [
      [layout.requests, layout.durations],
      [layout.storage, layout.authSuccesses],
    ] as const)
      cells.set(addCells(source, start, end - start), start);
    return countOperations(cells, options).flatMap(({ operation, count }) => someSample({ operation }, count));
  });
  const add = (declared: Series, compute: (counts: OperationCounts) => number | undefined) =>
    addGauge(registry, declared, () =>
      read().flatMap((counts): Sample[] => {
        const value = counts.count > 0 ? compute(counts) : undefined;
        return value === undefined ? [] : [{ labels: { operation: counts.operation }, value }];
      }),
    );
  add(derivedSeries.latencyP50, ({ latencies }) => latencies?.p50);
  add(derivedSeries.latencyP95, ({ latencies }) => latencies?.p95);
  add(derivedSeries.latencyP99, ({ latencies }) => latencies?.p99);
  add(derivedSeries.latencyMean, ({ latencies }) => latencies?.mean);
  add(derivedSeries.successRate, successRate);
}

function registerThroughput(
  registry: Registry,
  { layout, operations }: DerivedMetricsOptions,
  read: () => WindowCounts,
): void {
  const perSecond = (declared: Series, count: (cells: Float64Array) => number) =>
    addGauge(registry, declared, () => {
      const { cells, seconds } = read();
      return [{ labels: {}, value: count(cells) / seconds }];
    });
  perSecond(derivedSeries.requestRate, (cells) => sum(cells.subarray(layout.requests, layout.durations)));
  perSecond(derivedSeries.byteRate, (cells) => {
    const size = histogramCells(sizeBuckets);
    let bytes = 0;
    for (let end = layout.bytesIn + size; end <= layout.errors; end += size) bytes += cells[end - 1] ?? 0;
    return bytes;
  });
  perSecond(derivedSeries.objectRate, (cells) => {
    let count = 0;
    for (const [index, { operation }] of operations.entries())
      if (objectOperations.has(operation)) count += cells[layout.requests + index * statusClasses.length + 1] ?? 0;
    return count;
  });
}

function registerMachine(registry: Registry, source: MetricsSource, read: () => WindowCounts): void {
  addGauge(registry, derivedSeries.cacheHitRate, () => {
    const { cells } = read();
    const hits = cells[slotCell.cacheHits] ?? 0;
    const all = hits + (cells[slotCell.cacheMisses] ?? 0);
    return all === 0 ? [] : [{ labels: { cache }, value: hits / all }];
  });
  addGauge(registry, derivedSeries.cacheSize, () => [
    { labels: { cache }, value: sum(addCells(source, slotCell.cacheBytes, 1)) },
  ]);
  addGauge(registry, derivedSeries.cpuUsage, () => {
    const { cpu } = read();
    return cpu === undefined ? [] : [{ labels: {}, value: 100 * cpu }];
  });
  addGauge(registry, derivedSeries.memoryUsage, () => [
    { labels: {}, value: (100 * (totalmem() - freemem())) / totalmem() },
  ]);
  const disk = (declared: Series, compute: (used: number, total: number) => number) =>
    addGauge(registry, declared, () => {
      const state = readDiskState(source);
      if (state === undefined) return [];
      const { totalBytes, freeBytes } = state;
      return [{ labels: {}, value: compute(totalBytes - freeBytes, totalBytes) }];
    });
  disk(derivedSeries.diskUsed, (used) => used);
  disk(derivedSeries.diskUsage, (used, total) => (100 * used) / total);
}

/** Time of all processors of the machine since its start, ms. */
export function readProcessors(): ProcessorTimes {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, idle };
}
