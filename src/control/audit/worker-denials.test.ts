import { afterEach, expect, test } from "bun:test";
import type { ToData } from "#kernel/protocol/to-data.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

const report = {
  ...{ tenantId: null, actor: null, action: "s3:GetObject", requestId: "R", address: "192.0.2.1", agent: "agent" },
  ...{ bucket: { bucketId: "B", name: "photos" }, count: 5 },
};

/** What is recorded of a worker's report, and what the worker is told. */
async function record(isWanted: boolean) {
  const { control, fetch, lines } = await startControl({ settings: { "audit.log_s3_operations": isWanted } });
  const received: ToData[] = [];
  const channel = { name: "worker 0", send: (message: ToData) => void received.push(message) };
  await control.calls.receive(channel, { kind: "denials", denials: [report], droppedCount: 7 });
  const response = await fetch("/api/v1/audit/events?outcome=denied&via=s3", { as: testAdministrator });
  const { items } = await response.json();
  return { items, received, lines };
}

test("WorkerCalls: denials that a worker reports are recorded with their number, and those without room as one", async () => {
  const { items, received, lines } = await record(true);
  expect(items).toMatchObject([
    { action: "audit:ManyDenials", actor: { kind: "system" }, count: 7 },
    { action: "s3:GetObject", actor: { kind: "anonymous" }, count: 5, resource: { name: "photos" }, requestId: "R" },
  ]);
  expect(received).toEqual([{ kind: "denialsTaken" }]);
  expect(lines.join()).toContain("Too many different denials");
});

test("audit.log_s3_operations: off, denials of S3 requests are not recorded; the worker is answered all the same", async () => {
  const { items, received } = await record(false);
  expect([items, received]).toEqual([[], [{ kind: "denialsTaken" }]]);
});
