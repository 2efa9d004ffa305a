import { afterEach, expect, test } from "bun:test";
import type { ToData } from "#kernel/protocol/to-data.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

test("WorkerCalls: a bucket made by a worker is known to all workers before the answer", async () => {
  const { control } = await startControl();
  const received: ToData[] = [];
  const channel = { name: "worker 0", send: (message: ToData) => void received.push(message) };
  control.publisher.attach(channel);
  const call = {
    kind: "createBucket",
    name: "photos",
    tenantId: [...control.publisher.entries("tenant").keys()].join(),
    region: "us-east-1",
    tags: [],
  } as const;
  const answered = control.calls.receive(channel, { kind: "call", id: 7, call });
  while (received.length === 0) await Bun.sleep(1);
  expect(received).toMatchObject([
    { kind: "delta", delta: { number: 2, changes: [{ kind: "bucket", value: { name: "photos" } }] } },
  ]);
  await control.calls.receive(channel, { kind: "applied", number: 2 });
  await answered;
  expect(received[1]).toMatchObject({ kind: "answer", id: 7, result: { ok: true, value: { name: "photos" } } });
  expect(await control.calls.answer(call)).toMatchObject({ ok: false, code: "BucketAlreadyOwnedByYou" });
  const [bucketId = ""] = control.publisher.buckets.keys();
  control.publisher.detach(channel);
  expect(await control.calls.answer({ kind: "deleteBucket", bucketId })).toEqual({ ok: true, value: null });
  expect(await control.calls.answer({ kind: "deleteBucket", bucketId })).toMatchObject({
    ok: false,
    code: "NoSuchBucket",
  });
});

test("WorkerCalls: an unknown failure is InternalError for the client", async () => {
  const failing = async () => {
    throw new Error("hidden");
  };
  const { control, lines } = await startControl({
    catalogs: { create: failing, close: failing, remove: failing, own: () => {}, usage: failing },
  });
  const call = {
    kind: "createBucket",
    name: "photos",
    tenantId: [...control.publisher.entries("tenant").keys()].join(),
    region: "r",
    tags: [],
    origin: {
      ...{ accessKeyId: testAdministrator.accessKeyId, principalId: "", principalName: "", address: "", agent: "" },
      requestId: "ABC123",
    },
  } as const;
  expect(await control.calls.answer(call)).toEqual({ ok: false, code: "InternalError" });
  expect(lines.join()).toContain("hidden");
  expect(lines.join()).toContain("ABC123");
});
