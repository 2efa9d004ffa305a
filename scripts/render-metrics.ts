/** Writes `docs/metrics.md` from the table of series. */
import { renderMetricsTable } from "#kernel/metrics/metrics-table.ts";

await Bun.write(new URL("../docs/metrics.md", import.meta.url), renderMetricsTable());
