import { expect, test } from "bun:test";
import { operationIndex, operationLabels, slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { countOperations, successRate } from "./operation-counts.ts";
import { OperationWindow } from "./operation-window.ts";

/** A window over one thread; `get` counts GETs of 2 ms, which are answered with this class of status. */
function openWindow(windowMs?: number, before = { ageMs: 0, count: 0 }) {
  const clock = new FakeClock();
  const slot = createSlot(slotLayout);
  const recorder = new SlotRecorder(slot, slotLayout);
  const thread = { worker: "0", up: true, restartCount: 0, slot };
  const processors = { busy: 0, idle: 0 };
  const get = (count: number, statusClass = 2) => {
    const sample = { bucketRow: 0, durationUs: 2_000, bytesIn: 0, bytesOut: 1 };
    for (let index = 0; index < count; index++)
      recorder.recordRequest(operationIndex("GetObject"), statusClass, sample);
  };
  clock.advance(before.ageMs);
  get(before.count);
  const window = new OperationWindow({
    ...{ source: { threads: () => [thread] }, layout: slotLayout, clock },
    readProcessors: () => ({ ...processors }),
    ...(windowMs !== undefined && { windowMs }),
  });
  const read = () => {
    const { cells, seconds, cpu } = window.read();
    const counts = countOperations(cells, { layout: slotLayout, operations: operationLabels });
    return { ...counts.find(({ operation }) => operation === "GetObject"), seconds, cpu };
  };
  return { clock, window, processors, get, read };
}

test("OperationWindow: of a process older than a window, what was counted before is no news", () => {
  const { clock, get, read } = openWindow(60_000, { ageMs: 86_400_000, count: 864_000 });
  expect(read()).toMatchObject({ seconds: 1, latencies: undefined });
  get(5);
  clock.advance(10_000);
  expect(read()).toMatchObject({ count: 5, seconds: 10 });
  const young = openWindow(60_000, { ageMs: 30_000, count: 60 });
  expect(young.read()).toMatchObject({ count: 60, seconds: 30 });
});

test("OperationWindow: the first reading has all that was counted; later ones what the last minute brought", () => {
  const { clock, window, get, read } = openWindow();
  get(5);
  expect(read()).toMatchObject({ count: 5, seconds: 1 });
  window.sample();
  clock.advance(59_999);
  get(2);
  window.sample();
  expect(read()).toMatchObject({ count: 7, seconds: 59.999 });
  clock.advance(1);
  expect(read()).toMatchObject({ count: 2, seconds: 60 });
  clock.advance(60_000);
  window.sample();
  expect(read()).toMatchObject({ count: 0, latencies: undefined });
});

test("OperationWindow: another length, and what was counted before it began anew is no news", () => {
  const { clock, window, get, read } = openWindow(10_000);
  get(5);
  window.forget();
  get(3);
  clock.advance(1_000);
  window.sample();
  expect(read()).toMatchObject({ count: 3, seconds: 1 });
  clock.advance(10_000);
  expect(read()).toMatchObject({ count: 0 });
});

test("OperationWindow: processors are busy as far as time passed on them", () => {
  const { processors, read } = openWindow();
  expect(read().cpu).toBeUndefined();
  processors.busy = 30;
  processors.idle = 70;
  expect(read().cpu).toBe(0.3);
});

test("countOperations: latencies in milliseconds, failures are the server's alone", () => {
  const { get, read } = openWindow();
  get(6);
  get(1, 4);
  get(1, 5);
  const counts = read();
  expect(counts).toMatchObject({ count: 8, failed: 1, latencies: { mean: 2 } });
  expect(successRate({ operation: "GetObject", latencies: undefined, count: 8, failed: 1 })).toBe(87.5);
  expect(counts.latencies?.p99).toBeLessThan(4);
});
