import type { Registry } from "prom-client";
import { series } from "#kernel/metrics/series.ts";
import { catalogProblemKinds } from "#kernel/protocol/catalog-problem.ts";
import type { CatalogProblems } from "./catalog-problems.ts";
import type { Readiness } from "./readiness.ts";
import { addGauge } from "./slot-metric.ts";

/** What the series are read from. */
export interface HealthMetricsSource {
  readonly readiness: Readiness;
  readonly problems: CatalogProblems;
}

/** Adds the outcome of each readiness check and the number of buckets with each problem; nobody is asked for a scrape. */
export function registerHealthMetrics(registry: Registry, { readiness, problems }: HealthMetricsSource): void {
  addGauge(registry, series.healthCheck, () =>
    readiness.lastResults.map(({ name, status }) => ({ labels: { check: name }, value: status === "ok" ? 1 : 0 })),
  );
  addGauge(registry, series.catalogProblems, () => {
    const counts = problems.count();
    return catalogProblemKinds.map((kind) => ({ labels: { kind }, value: counts[kind] }));
  });
}
