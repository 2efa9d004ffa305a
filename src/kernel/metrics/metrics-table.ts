import { derivedSeries, futureSeries, type Series, series, seriesPrefix } from "./series.ts";

/** The text of `docs/metrics.md`: every series by name, then those whose features are missing. */
export function renderMetricsTable(): string {
  const rows = [...rowsOf(series, "counted by the threads"), ...rowsOf(derivedSeries, "worked out at the scrape")];
  const missing = Object.entries(futureSeries).map(([name, feature]) => `| \`${seriesPrefix}${name}\` | ${feature} |`);
  return `# Metrics

Served at \`/metrics\` of the console port. Made by \`bun scripts/render-metrics.ts\`; a test compares it with the code.
Histograms have \`_bucket\` (label \`le\`), \`_sum\` and \`_count\`.

| Series | Type | Labels | Meaning | Source |
|---|---|---|---|---|
${rows.sort().join("\n")}

## Not exported yet

| Series | Missing feature |
|---|---|
${missing.sort().join("\n")}
`;
}

function rowsOf(declared: Readonly<Record<string, Series>>, source: string): string[] {
  return Object.values(declared).map(({ name, type, labels, help }) => {
    const shown = labels.length === 0 ? "-" : labels.join(", ");
    return `| \`${seriesPrefix}${name}\` | ${type} | ${shown} | ${help} | ${source} |`;
  });
}
