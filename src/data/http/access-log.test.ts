import { expect, test } from "bun:test";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { operationTable } from "#kernel/s3/operation-table.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { AccessLog, maxUnwrittenMessages, maxWaitingLines } from "./access-log.ts";
import type { FinishedRequest } from "./observe-requests.ts";

function open() {
  const sent: string[] = [];
  const due: (() => void)[] = [];
  const state = { enabled: true, dropped: 0 };
  const log = new AccessLog({
    isEnabled: () => state.enabled,
    trustedProxies: () => ["192.0.2.0/24"],
    clock: new FakeClock(),
    send: (lines) => sent.push(lines),
    onDropped: () => {
      state.dropped += 1;
    },
    after: (_, call) => due.push(call),
  });
  return { log, sent, due, state };
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
  });
  expect(lines[0]).not.toHaveProperty("traceId");
  expect(lines[1]).not.toHaveProperty("bucket");
  expect(lines[1]).toMatchObject({ traceId: "0af7651916cd43dd8448eb211c80319c" });
});

test("AccessLog: while nobody writes, a bounded number of lines waits and the others are dropped and counted", () => {
  const { log, sent, state } = open();
  for (let number = 0; number < maxUnwrittenMessages; number++) {
    log.take(request, 1);
    log.flush();
  }
  for (let number = 0; number < maxWaitingLines; number++) log.take(request, 1);
  log.flush();
  expect([sent.length, state.dropped]).toEqual([maxUnwrittenMessages, 0]);
  log.take(request, 1);
  expect(state.dropped).toBe(1);
  log.written();
  expect(sent.length).toBe(maxUnwrittenMessages + 1);
  log.take(request, 1);
  expect(state.dropped).toBe(1);
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
