import { expect, test } from "bun:test";
import type { DataEvent } from "#kernel/protocol/data-event.ts";
import { operationTable } from "#kernel/s3/operation-table.ts";
import { DataEvents, maxWaitingEvents } from "./data-events.ts";

const event: DataEvent = {
  ...{ timeMs: 0, tenantId: "t", actor: null, action: "s3:GetObject", bucket: "b", bucketId: "id", key: "k" },
  ...{ status: 200, code: undefined, requestId: "r", address: "127.0.0.1", agent: "", bytesIn: 0, bytesOut: 1 },
};

function open() {
  const state = {
    mode: "all" as "none" | "writes" | "all",
    onFailure: "continue" as "continue" | "refuse",
    dropped: 0,
  };
  const sent: { readonly count: number; readonly droppedCount: number }[] = [];
  const due: (() => void)[] = [];
  const events = new DataEvents({
    mode: () => state.mode,
    onFailure: () => state.onFailure,
    send: ({ length: count }, droppedCount) => void sent.push({ count, droppedCount }),
    onDropped: () => {
      state.dropped += 1;
    },
    after: (_, call) => void due.push(call),
  });
  const runDue = () => {
    for (const call of due.splice(0)) call();
  };
  return { events, state, sent, runDue };
}

test("DataEvents: none, writes, all; requests for buckets are management", () => {
  const { events, state } = open();
  const { GetObject, HeadObject, PutObject, DeleteObjects, ListObjectsV2, CreateBucket, UploadPart } = operationTable;
  const wanted = () =>
    [GetObject, HeadObject, PutObject, UploadPart, DeleteObjects, ListObjectsV2, CreateBucket]
      .filter((spec) => events.wants(spec))
      .map(({ name }) => name);
  expect(wanted()).toEqual(["GetObject", "HeadObject", "PutObject", "UploadPart", "DeleteObjects"]);
  state.mode = "writes";
  expect(wanted()).toEqual(["PutObject", "UploadPart", "DeleteObjects"]);
  state.mode = "none";
  expect(wanted()).toEqual([]);
});

test("DataEvents: gathered, one message at a time, a thousand in one", () => {
  const { events, sent, runDue } = open();
  for (let index = 0; index < 1_001; index++) events.take(event);
  expect(sent).toEqual([]);
  runDue();
  runDue();
  expect(sent).toEqual([{ count: 1_000, droppedCount: 0 }]);
  events.written(true);
  runDue();
  expect(sent).toEqual([
    { count: 1_000, droppedCount: 0 },
    { count: 1, droppedCount: 0 },
  ]);
});

test("DataEvents: at the end all that waits is sent, also behind a message that is under way", () => {
  const { events, sent, runDue } = open();
  for (let index = 0; index < 2_500; index++) events.take(event);
  runDue();
  events.drain();
  events.drain();
  expect(sent.map(({ count }) => count)).toEqual([1_000, 1_500]);
});

test("DataEvents: what could not be written is sent again; maxWaitingEvents wait, one more is dropped and told of", () => {
  const { events, state, sent, runDue } = open();
  events.take(event);
  runDue();
  events.written(false);
  runDue();
  expect(sent).toEqual([
    { count: 1, droppedCount: 0 },
    { count: 1, droppedCount: 0 },
  ]);
  for (let index = 0; index < maxWaitingEvents; index++) events.take(event);
  expect(state.dropped).toBe(0);
  events.take(event);
  expect(state.dropped).toBe(1);
  events.written(true);
  runDue();
  events.written(false);
  runDue();
  expect(sent.slice(2)).toEqual([
    { count: 1_000, droppedCount: 1 },
    { count: 1_000, droppedCount: 1 },
  ]);
});

test("DataEvents: while it fails, requests that are to be recorded go on or are refused, as set", () => {
  const { events, state, runDue } = open();
  const { GetObject, PutObject, ListObjectsV2 } = operationTable;
  events.take(event);
  runDue();
  events.written(false);
  events.admit(PutObject);
  state.onFailure = "refuse";
  expect(() => events.admit(PutObject)).toThrow("The audit cannot record");
  events.admit(ListObjectsV2);
  state.mode = "writes";
  events.admit(GetObject);
  runDue();
  events.written(true);
  events.admit(PutObject);
});
