import { expect, test } from "bun:test";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { operationTable } from "#kernel/s3/operation-table.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { AccessLog, bufferBytes } from "./access-log.ts";
import type { FinishedRequest } from "./observe-requests.ts";

function open() {
  const sent: string[] = [];
  const memories: (SharedArrayBuffer | undefined)[] = [];
  let bytes = Buffer.alloc(0) as Buffer;
  const due: (() => void)[] = [];
  const state = { enabled: true, dropped: 0 };
  const log = new AccessLog({
    isEnabled: () => state.enabled,
    trustedProxies: () => ["192.0.2.0/24"],
    clock: new FakeClock(),
    node: "höst",
    send: ({ memory, start, length }) => {
      memories.push(memory);
      if (memory) bytes = Buffer.from(memory);
      sent.push(bytes.subarray(start, start + length).toString());
    },
    onDropped: () => {
      state.dropped += 1;
    },
    after: (_, call) => due.push(call),
  });
  return { log, sent, memories, due, state };
}

const request: FinishedRequest = {
  id: "0123456789ABCDEF",
  message: new IncomingMessage(new Socket()),
  bucket: "photos",
  bucketId: "01JBUCKET",
  authentication: undefined,
  operation: operationTable.GetObject,
  status: 404,
  errorCode: "NoSuchKey",
  startedMs: 0,
  bytesIn: 0,
  bytesOut: 300,
  bucketRow: 1,
};

test("AccessLog: a line per request, gathered; none while it is off", () => {
  const { log, sent, due, state } = open();
  log.take(request, 1.23456);
  log.take({ ...request, bucket: "Not/a bucket?", bucketId: undefined }, 2, "0af7651916cd43dd8448eb211c80319c");
  state.enabled = false;
  log.take(request, 3);
  expect([sent.length, due.length]).toEqual([0, 1]);
  due[0]?.();
  const lines = (sent[0] ?? "")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.length).toBe(2);
  expect(lines[0]).toMatchObject({
    ...{ level: "info", requestId: "0123456789ABCDEF", operation: "GetObject", bucket: "photos", status: 404 },
    ...{ errorCode: "NoSuchKey", bytesIn: 0, bytesOut: 300, ms: 1.235, bucketId: "01JBUCKET" },
    node: "höst",
  });
  expect(lines[0]).not.toHaveProperty("traceId");
  expect(lines[1]).not.toHaveProperty("bucket");
  expect(lines[1]).toMatchObject({ traceId: "0af7651916cd43dd8448eb211c80319c" });
});

test("AccessLog: while nobody writes, one buffer waits and the lines that do not fit are dropped and counted", () => {
  const { log, sent, state } = open();
  log.take(request, 1);
  log.flush();
  const length = Buffer.byteLength(sent[0] ?? "");
  const fits = Math.floor(bufferBytes / length) - Math.ceil((8 << 10) / length);
  for (let number = 0; number < fits; number++) log.take(request, 1);
  log.flush();
  expect([sent.length, state.dropped]).toEqual([1, 0]);
  for (let number = 0; number < 100; number++) log.take(request, 1);
  expect(state.dropped).toBeGreaterThan(50);
  log.written();
  const lines = (sent[1] ?? "").trimEnd().split("\n");
  expect([sent.length, lines.length + state.dropped]).toEqual([2, fits + 100]);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ bucket: "photos", ms: 1 });
  const before = state.dropped;
  log.take(request, 1);
  expect(state.dropped).toBe(before);
});

test("AccessLog: a buffer that fills up leaves at once, and what is left leaves at the end of the worker", () => {
  const { log, sent, memories, state } = open();
  for (let taken = 0; sent.length === 0; taken++) {
    log.take(request, 1);
    expect(taken).toBeLessThan(bufferBytes / 100);
  }
  log.take({ ...request, bytesOut: 5_497_558_138_880 }, 0);
  log.drain();
  expect([sent.length, state.dropped]).toEqual([2, 0]);
  const last = (sent[1] ?? "").trimEnd().split("\n").at(-1) ?? "";
  expect(JSON.parse(last)).toMatchObject({ bytesOut: 5_497_558_138_880, ms: 0 });
  expect([memories[0]?.byteLength, memories[1]]).toEqual([2 * bufferBytes, undefined]);
});

test("AccessLog: lines tell of each request by itself, however much those before it were alike", () => {
  const { log, sent } = open();
  const signed = (accessKeyId: string): FinishedRequest["authentication"] =>
    ({ kind: "signed", accessKeyId }) as FinishedRequest["authentication"];
  const requests: readonly [FinishedRequest, Record<string, unknown>][] = [
    [request, { bucket: "photos", status: 404, errorCode: "NoSuchKey" }],
    [{ ...request, bucket: "films" }, { bucket: "films" }],
    [{ ...request, bucketId: "01JOTHER" }, { bucketId: "01JOTHER" }],
    [
      { ...request, status: 200, errorCode: undefined },
      { status: 200, errorCode: undefined },
    ],
    [{ ...request, errorCode: "NoSuchVersion" }, { errorCode: "NoSuchVersion" }],
    [{ ...request, authentication: signed("AKIA1") }, { accessKeyId: "AKIA1" }],
    [{ ...request, authentication: signed('own"id') }, { accessKeyId: 'own"id' }],
    [
      { ...request, operation: operationTable.PutObject },
      { operation: "PutObject", accessKeyId: undefined },
    ],
    [
      { ...request, operation: undefined, id: "F".repeat(16) },
      { operation: "_other", requestId: "F".repeat(16) },
    ],
  ];
  for (const [taken] of requests) log.take(taken, 0.0004);
  log.flush();
  const lines = (sent[0] ?? "").trimEnd().split("\n");
  for (const [index, [, expected]] of requests.entries()) {
    const line = JSON.parse(lines[index] ?? "");
    for (const [name, value] of Object.entries(expected)) expect(line[name]).toEqual(value);
  }
});

test("AccessLog: the remote is the client that trusted proxies name; from others their header is worth nothing", () => {
  const { log, sent, due } = open();
  const from = (peer: string, forwarded?: string): FinishedRequest => {
    const socket = Object.defineProperty(new Socket(), "remoteAddress", { value: peer });
    const message = new IncomingMessage(socket);
    if (forwarded !== undefined) message.headers["x-forwarded-for"] = forwarded;
    return { ...request, message };
  };
  for (const [peer, forwarded] of [
    ["192.0.2.1", "198.51.100.7"],
    ["::ffff:192.0.2.1", "203.0.113.9, 198.51.100.7, 192.0.2.2"],
    ["203.0.113.1", "198.51.100.7"],
    ["192.0.2.1", 'evil"}'],
    ["192.0.2.1", undefined],
  ] as const)
    log.take(from(peer, forwarded), 1);
  due[0]?.();
  const lines = (sent[0] ?? "").trimEnd().split("\n");
  const remotes = lines.map((line) => JSON.parse(line).remote);
  expect(remotes).toEqual(["198.51.100.7", "198.51.100.7", "203.0.113.1", "192.0.2.1", "192.0.2.1"]);
});
