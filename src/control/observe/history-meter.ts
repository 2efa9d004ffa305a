import { freemem, totalmem } from "node:os";
import type { Clock } from "#kernel/base/clock.ts";
import { readDiskState } from "#kernel/metrics/disk-state.ts";
import { durationBuckets, sizeBuckets } from "#kernel/metrics/histogram-buckets.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { histogramCells, slotCell, statusClasses } from "#kernel/metrics/slot-layout.ts";
import { type BucketMetricsOptions, readStorageTotal } from "./bucket-metrics.ts";
import { readProcessors } from "./derived-metrics.ts";
import { readLatencies } from "./operation-counts.ts";
import type { ProcessorTimes } from "./operation-window.ts";
import { addCells, sum } from "./slot-metric.ts";

/** Every series of the history: names of `/metrics` without `maxiofs_`, over all operations and workers together. */
export const historySeries = [
  "system_cpu_usage_percent",
  "system_memory_usage_percent",
  "system_disk_used_bytes",
  "system_disk_total_bytes",
  "worker_connections",
  "storage_bytes_total",
  "storage_objects_total",
  "throughput_requests_per_second",
  "throughput_bytes_per_second",
  "operation_success_rate_percent",
  "operation_latency_p50_milliseconds",
  "operation_latency_p95_milliseconds",
  "operation_latency_p99_milliseconds",
  "operation_latency_mean_milliseconds",
] as const;

/** One of `historySeries`. */
export type HistorySeries = (typeof historySeries)[number];

/** What was measured; a series without a value is absent, as a percentile is while nobody asks. */
export type HistoryValues = { readonly [S in HistorySeries]?: number };

/** What a meter reads. */
export interface HistoryMeterOptions extends Pick<BucketMetricsOptions, "usages" | "buckets"> {
  readonly source: MetricsSource;
  readonly clock: Clock;
}

interface Counts {
  readonly atMs: number;
  readonly requests: Float64Array;
  readonly durations: Float64Array;
  readonly bytes: number;
  readonly processors: ProcessorTimes;
}

/** Measures from one call of `measure` to the next: rates and percentiles of that time, states at its end. */
export class HistoryMeter {
  readonly #options: HistoryMeterOptions;
  #last: Counts;

  constructor(options: HistoryMeterOptions) {
    this.#options = options;
    this.#last = this.#count();
  }

  /** What happened since the last call, or since the meter was made. */
  measure(): HistoryValues {
    const last = this.#last;
    const now = this.#count();
    this.#last = now;
    const requests = subtract(now.requests, last.requests);
    const failed = requests.reduce((count, value, cell) => (isFailure(cell) ? count + value : count), 0);
    const count = sum(requests);
    const seconds = Math.max(1, (now.atMs - last.atMs) / 1000);
    return {
      ...this.#readStates(),
      ...readProcessorUse(last.processors, now.processors),
      throughput_requests_per_second: count / seconds,
      throughput_bytes_per_second: Math.max(0, now.bytes - last.bytes) / seconds,
      ...(count > 0 && { operation_success_rate_percent: (100 * (count - failed)) / count }),
      ...renderLatencies(subtract(now.durations, last.durations)),
    };
  }

  #readStates(): HistoryValues {
    const { source } = this.#options;
    const disk = readDiskState(source);
    const [bytes] = readStorageTotal(this.#options, "bytes");
    const [objects] = readStorageTotal(this.#options, "objects");
    return {
      system_memory_usage_percent: (100 * (totalmem() - freemem())) / totalmem(),
      ...(disk && {
        system_disk_used_bytes: disk.totalBytes - disk.freeBytes,
        system_disk_total_bytes: disk.totalBytes,
      }),
      worker_connections: sum(
        addCells({ threads: () => source.threads().filter(({ up }) => up) }, slotCell.connections, 1),
      ),
      ...(bytes && { storage_bytes_total: bytes.value }),
      ...(objects && { storage_objects_total: objects.value }),
    };
  }

  #count(): Counts {
    const { source, clock } = this.#options;
    const { operationCount, ...layout } = slotLayout;
    const durationSize = histogramCells(durationBuckets);
    const perOperation = addCells(source, layout.durations, operationCount * durationSize);
    const durations = new Float64Array(durationSize);
    for (const [cell, value] of perOperation.entries())
      durations[cell % durationSize] = (durations[cell % durationSize] ?? 0) + value;
    const sizes = addCells(source, layout.bytesIn, layout.errors - layout.bytesIn);
    const sizeSize = histogramCells(sizeBuckets);
    return {
      atMs: clock.monotonicMs(),
      requests: addCells(source, layout.requests, operationCount * statusClasses.length),
      durations,
      bytes: sum(sizes.filter((_, cell) => cell % sizeSize === sizeSize - 1)),
      processors: readProcessors(),
    };
  }
}

function isFailure(cell: number): boolean {
  return statusClasses[cell % statusClasses.length] === "5xx";
}

function subtract(now: Float64Array, last: Float64Array): Float64Array {
  return now.map((value, cell) => Math.max(0, value - (last[cell] ?? 0)));
}

function readProcessorUse(last: ProcessorTimes, now: ProcessorTimes): HistoryValues {
  const busy = now.busy - last.busy;
  const total = busy + now.idle - last.idle;
  return total > 0 ? { system_cpu_usage_percent: (100 * busy) / total } : {};
}

function renderLatencies(durations: Float64Array): HistoryValues {
  const found = readLatencies(durations);
  if (found === undefined) return {};
  return {
    operation_latency_p50_milliseconds: found.p50,
    operation_latency_p95_milliseconds: found.p95,
    operation_latency_p99_milliseconds: found.p99,
    operation_latency_mean_milliseconds: found.mean,
  };
}
