import { expect, test } from "bun:test";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { operationIndex, slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import { operationTable } from "#kernel/s3/operation-table.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { observeRequests } from "./observe-requests.ts";

test("observeRequests: counts per operation and class of status; an unknown operation is counted too", () => {
  const slot = createSlot(slotLayout);
  const cells = new Float64Array(slot);
  const clock = new FakeClock();
  const { finished: observe } = observeRequests({ recorder: new SlotRecorder(slot, slotLayout), clock });
  const startedMs = clock.monotonicMs();
  clock.advance(3);
  const unknown = {
    id: "",
    message: new IncomingMessage(new Socket()),
    bucket: "b",
    bucketId: "i",
    authentication: undefined,
  };
  const get = { ...unknown, operation: operationTable.GetObject, startedMs, bytesIn: 0, bytesOut: 10, bucketRow: 3 };
  const base = slotLayout.requests + operationIndex("GetObject") * 5;
  observe({ ...get, status: 200, errorCode: undefined });
  observe({ ...get, status: 404, errorCode: "NoSuchKey" });
  expect([cells[base + 1], cells[base + 3]]).toEqual([1, 1]);
  const bucketBase = slotLayout.bucketRequests + 3 * slotLayout.operationCount * 5 + operationIndex("GetObject") * 5;
  expect([cells[bucketBase + 1], cells[bucketBase + 3]]).toEqual([1, 1]);
  const errors = cells.subarray(slotLayout.errors, slotLayout.storage).reduce((sum, each) => sum + each, 0);
  expect(errors).toBeGreaterThanOrEqual(1);
  observe({ ...get, operation: undefined, status: 400, errorCode: "InvalidRequest" });
  expect([cells[base + 1], cells[base + 3]]).toEqual([1, 1]);
  for (const status of [0, 99, 600, 999]) observe({ ...get, status, errorCode: undefined });
});
