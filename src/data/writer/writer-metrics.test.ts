import { expect, test } from "bun:test";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import { openWriterMetrics } from "./writer-metrics.ts";

test("openWriterMetrics: counts commits where the control thread reads them", () => {
  const slot = createSlot(slotLayout);
  const { commit: observe } = openWriterMetrics(slot);
  const sum = () => new Float64Array(slot).reduce((total, each) => total + each, 0);
  expect(sum()).toBe(0);
  observe({ mutationCount: 3, durationMs: 2, ok: true, storedBytes: [5000] });
  const first = sum();
  observe({ mutationCount: 5, durationMs: 1, ok: false, storedBytes: [] });
  expect(first).toBeGreaterThan(0);
  expect(sum()).toBeGreaterThan(first);
});
