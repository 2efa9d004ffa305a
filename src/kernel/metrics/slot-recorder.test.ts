import { expect, test } from "bun:test";
import { bucketIndex, durationBuckets, sizeBuckets } from "./histogram-buckets.ts";
import { computeSlotLayout, createSlot, histogramCells, maxLabelledBuckets, slotCell } from "./slot-layout.ts";
import { SlotRecorder } from "./slot-recorder.ts";

const layout = computeSlotLayout(3, 4);

function open(): { recorder: SlotRecorder; cells: Float64Array } {
  const slot = createSlot(layout);
  return { recorder: new SlotRecorder(slot, layout), cells: new Float64Array(slot) };
}

test("recordRequest: moves exactly the cells of its operation", () => {
  const { recorder, cells } = open();
  recorder.recordRequest(1, 2, { durationUs: 1234, bytesIn: 100, bytesOut: 5000, bucketRow: 2 });
  const duration = layout.durations + histogramCells(durationBuckets);
  const size = histogramCells(sizeBuckets);
  const expected = new Map([
    [slotCell.progress, 1],
    [layout.requests + 5 + 1, 1],
    [layout.bucketRequests + 2 * 15 + 5 + 1, 1],
    [duration + bucketIndex(durationBuckets, 1234), 1],
    [duration + durationBuckets.bounds.length + 1, 1234],
    [layout.bytesIn + size, 1],
    [layout.bytesIn + size + sizeBuckets.bounds.length + 1, 100],
    [layout.bytesOut + size + bucketIndex(sizeBuckets, 5000), 1],
    [layout.bytesOut + size + sizeBuckets.bounds.length + 1, 5000],
  ]);
  for (const [index, value] of cells.entries()) expect([index, value]).toEqual([index, expected.get(index) ?? 0]);
});

test("SlotRecorder: the extreme cells of every table stay inside their table", () => {
  const { recorder, cells } = open();
  recorder.recordRequest(2, 5, {
    durationUs: Number.MAX_SAFE_INTEGER,
    bytesIn: 2 ** 50,
    bytesOut: 2 ** 50,
    bucketRow: maxLabelledBuckets,
  });
  recorder.recordError(2, 3);
  recorder.recordStorage("delete", 1e12, false);
  recorder.recordCommitBatch(1e6);
  recorder.recordAuthSuccess("unknown");
  recorder.recordAuthFailure("unknown", 3);
  recorder.recordObjectSize(2 ** 60);
  recorder.recordTask("quota_watch", 1e12, false);
  recorder.setConnections(7);
  expect(cells.length).toBe(layout.cellCount);
  expect(cells[slotCell.connections]).toBe(7);
  expect(cells[layout.requests + 14]).toBe(1);
  expect(cells[layout.errors + 11]).toBe(1);
  expect(cells[layout.authSuccesses - 2]).toBe(1);
  expect(cells[layout.authFailures - 1]).toBe(1);
  expect(cells[layout.objectSizes - 1]).toBe(1);
  expect(cells[layout.tasks - 2]).toBe(1);
  expect(cells[layout.bucketRequests - 2]).toBe(1);
  expect(cells[layout.commitBatch - 1]).toBe(1);
  expect(cells[layout.cellCount - 2]).toBe(1);
  expect(cells[layout.cellCount - 1]).toBe(1e6);
});

test("SlotRecorder: a second recorder on the same slot goes on counting", () => {
  const slot = createSlot(layout);
  new SlotRecorder(slot, layout).recordError(0, 0);
  new SlotRecorder(slot, layout).recordError(0, 0);
  expect(new Float64Array(slot)[layout.errors]).toBe(2);
});
