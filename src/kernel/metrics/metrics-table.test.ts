import { expect, test } from "bun:test";
import { renderMetricsTable } from "./metrics-table.ts";

test("docs/metrics.md: tells of every series as the code declares it", async () => {
  const file = Bun.file(new URL("../../../docs/metrics.md", import.meta.url));
  expect(await file.text()).toBe(renderMetricsTable());
});
