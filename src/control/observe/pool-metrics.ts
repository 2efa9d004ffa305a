import type { Registry } from "prom-client";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import { errorCodeLabels, operationLabels, slotLayout } from "#kernel/metrics/operation-index.ts";
import { registerSlotMetrics } from "./metrics-collector.ts";

/** Adds what the threads of the data plane count. */
export function registerPoolMetrics(registry: Registry, source: MetricsSource): void {
  registerSlotMetrics(registry, {
    source,
    layout: slotLayout,
    operations: operationLabels,
    errorCodes: errorCodeLabels,
  });
}
