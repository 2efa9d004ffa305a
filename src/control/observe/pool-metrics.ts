import type { Registry } from "prom-client";
import type { Clock } from "#kernel/base/clock.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import { errorCodeLabels, operationLabels, slotLayout } from "#kernel/metrics/operation-index.ts";
import type { LogInsByMethod } from "../http/log-in-counts.ts";
import { type BucketMetricsOptions, registerBucketMetrics } from "./bucket-metrics.ts";
import { registerDerivedMetrics } from "./derived-metrics.ts";
import type { LogDrops } from "./log.ts";
import { registerSlotMetrics } from "./metrics-collector.ts";

/** What the control thread knows that metrics tell of. */
export interface ControlMetrics extends BucketMetricsOptions {
  readonly controlSlot: SharedArrayBuffer;
  readonly logIns: () => LogInsByMethod;
  readonly logDrops: () => readonly LogDrops[];
  /** Spans that did not arrive. */
  readonly traceDrops: () => number;
  readonly clock: Clock;
}

/** Adds what the threads of the data plane count, and what follows from it. */
export function registerPoolMetrics(registry: Registry, source: MetricsSource, control: ControlMetrics): void {
  const common = { source, layout: slotLayout, operations: operationLabels };
  registerSlotMetrics(registry, {
    ...common,
    errorCodes: errorCodeLabels,
    bucketLabels: () => control.bucketRows.labels,
    controlSlot: control.controlSlot,
    logIns: control.logIns,
    logDrops: control.logDrops,
    traceDrops: control.traceDrops,
  });
  registerDerivedMetrics(registry, { ...common, clock: control.clock });
  registerBucketMetrics(registry, control);
}
