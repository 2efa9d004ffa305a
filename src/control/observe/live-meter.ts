import type { Clock } from "#kernel/base/clock.ts";
import { readDiskState } from "#kernel/metrics/disk-state.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import { operationLabels, slotLayout } from "#kernel/metrics/operation-index.ts";
import { slotCell } from "#kernel/metrics/slot-layout.ts";
import type { BucketUsages } from "./bucket-usages.ts";
import { readProcessors } from "./derived-metrics.ts";
import { HistoryMeter } from "./history-meter.ts";
import { countOperations, type OperationCounts, successRate } from "./operation-counts.ts";
import { OperationWindow } from "./operation-window.ts";
import { addCells, sum } from "./slot-metric.ts";

/** What a stream can tell of: the tabs of the console's metrics page. */
export const liveTopics = ["system", "storage", "performance"] as const;

/** One of `liveTopics`. */
export type LiveTopic = (typeof liveTopics)[number];

/** What a meter reads. */
export interface LiveMeterOptions {
  readonly source: MetricsSource;
  readonly usages: BucketUsages;
  readonly buckets: ReadonlyMap<string, { readonly name: string; readonly tenantId: string }>;
  readonly clock: Clock;
}

/** Percentiles and rates by operation are of so many ms. */
const windowMs = 10_000;
/** Buckets that are named, the largest first; all are in the totals. */
export const maxLiveBuckets = 100;

/** What the console draws while somebody looks: states of now, rates of the last call of `tick`, percentiles of ten seconds. */
export class LiveMeter {
  readonly #options: LiveMeterOptions;
  readonly #window: OperationWindow;
  readonly #rates: HistoryMeter;
  #latest: ReturnType<HistoryMeter["measure"]> = {};
  #operations: readonly OperationCounts[] = [];
  #seconds = 1;

  constructor(options: LiveMeterOptions) {
    this.#options = options;
    const { source, clock } = options;
    this.#rates = new HistoryMeter(options);
    this.#window = new OperationWindow({ source, layout: slotLayout, clock, readProcessors, windowMs });
    this.#window.forget();
  }

  /** Measures anew; call it once a second. */
  tick(): void {
    this.#latest = this.#rates.measure();
    const { cells, seconds } = this.#window.read();
    this.#window.sample();
    this.#operations = countOperations(cells, { layout: slotLayout, operations: operationLabels });
    this.#seconds = seconds;
  }

  /** @param tenantId whose buckets storage is about; undefined for all */
  read(topic: LiveTopic, tenantId: string | undefined): object {
    if (topic === "storage") return this.#readStorage(tenantId);
    return topic === "system" ? this.#readSystem() : this.#readPerformance();
  }

  #readSystem(): object {
    const { source } = this.#options;
    const latest = this.#latest;
    const disk = readDiskState(source);
    const commit = this.#operations.find(({ operation }) => operation === "CatalogCommit");
    const blobs = this.#operations.find(({ operation }) => operation === "BlobIO");
    return {
      cpuPercent: latest.system_cpu_usage_percent ?? null,
      memoryPercent: latest.system_memory_usage_percent ?? null,
      processBytes: process.memoryUsage.rss(),
      disk: disk ?? null,
      workers: source.threads().map(({ worker, up, restartCount, slot }) => {
        const [connections = 0] = up
          ? addCells({ threads: () => [{ worker, up, restartCount, slot }] }, slotCell.connections, 1)
          : [];
        return { worker, up, restartCount, connections };
      }),
      commitMs: commit?.latencies ?? null,
      blobMs: blobs?.latencies ?? null,
    };
  }

  #readStorage(tenantId: string | undefined): object {
    const { usages, buckets, source } = this.#options;
    const own = [...buckets].filter(([, bucket]) => tenantId === undefined || bucket.tenantId === tenantId);
    const held = own.map(([bucketId, { name }]) => {
      const { bytes = 0, objects = 0 } = usages.find(bucketId) ?? {};
      return { bucket: name, bytes, objects };
    });
    const isWhole = tenantId === undefined;
    return {
      isComplete: usages.isComplete,
      bytes: held.reduce((total, { bytes }) => total + bytes, 0),
      objects: held.reduce((total, { objects }) => total + objects, 0),
      bucketCount: held.length,
      buckets: held.toSorted((a, b) => b.bytes - a.bytes).slice(0, maxLiveBuckets),
      cacheBytes: isWhole ? sum(addCells(source, slotCell.cacheBytes, 1)) : null,
    };
  }

  #readPerformance(): object {
    const latest = this.#latest;
    return {
      requestsPerSecond: latest.throughput_requests_per_second ?? 0,
      bytesPerSecond: latest.throughput_bytes_per_second ?? 0,
      successPercent: latest.operation_success_rate_percent ?? null,
      operations: this.#operations
        .filter(({ count }) => count > 0)
        .map((counts) => ({
          operation: counts.operation,
          perSecond: counts.count / this.#seconds,
          successPercent: successRate(counts),
          latencyMs: counts.latencies ?? null,
        })),
    };
  }
}
