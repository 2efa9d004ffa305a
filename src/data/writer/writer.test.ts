import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import type { DeleteMutation } from "#kernel/protocol/mutation.ts";
import type { FromWriter, ToWriter } from "#kernel/protocol/to-writer.ts";
import { scratchParent } from "#testing/power-loss/scratch-parent.ts";
import { createChangeTable } from "../cache/change-slots.ts";
import { catalogPath } from "../catalog/sqlite-catalog/open-catalog.ts";
import { WriterClient } from "../catalog/writer-client.ts";
import { createUsageTable } from "../quota/usage-table.ts";

const dataDir = mkdtempSync(join(scratchParent(), "maxiofs-writer-"));
const worker = new Worker(new URL("./writer.ts", import.meta.url));
const answers: FromWriter[] = [];
let wake = (): void => {};
worker.on("message", (message: FromWriter) => {
  answers.push(message);
  wake();
});
afterAll(async () => {
  await worker.terminate();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The next message that fits, in the order of arrival. */
async function receive(fits: (message: FromWriter) => boolean): Promise<FromWriter> {
  for (;;) {
    const index = answers.findIndex(fits);
    const [found] = index < 0 ? [] : answers.splice(index, 1);
    if (found) return found;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

function send(message: ToWriter): void {
  worker.postMessage(message);
}

function remove(key: string): DeleteMutation {
  return { kind: "delete", bucketId: "B", key, versionId: null, conditions: null, requestId: "", principal: "" };
}

test("writer: serves catalogs, batches and probes, and stops when all that arrived is committed", async () => {
  send({
    kind: "start",
    dataDir,
    historyWindowMs: 3_600_000,
    reserveBytes: 0,
    metrics: createSlot(slotLayout),
    changes: createChangeTable(),
    usage: createUsageTable(),
  });
  expect(await receive(({ kind }) => kind === "ready")).toEqual({ kind: "ready" });
  send({ kind: "createCatalog", id: 1, bucketId: "B", tenantId: "T" });
  send({ kind: "probe", id: 2 });
  expect(await receive((message) => message.kind === "done" && message.id === 1)).toEqual({ kind: "done", id: 1 });
  expect(await receive((message) => message.kind === "done" && message.id === 2)).toEqual({ kind: "done", id: 2 });
  expect(existsSync(catalogPath(dataDir, "B"))).toBe(true);
  send({ kind: "usage", id: 3, bucketIds: ["B", "absent"] });
  const empty = { bytes: 0, objects: 0 };
  expect(await receive(({ kind }) => kind === "usage")).toEqual({ kind: "usage", id: 3, usages: [empty, empty] });

  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ kind: "attach", port: port2 } satisfies ToWriter, [port2]);
  const client = new WriterClient();
  client.attach(port1);
  const results = await Promise.all(["a", "b", "c"].map((key) => client.commit(remove(key))));
  expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
  expect(client.inFlight).toBe(0);

  send({ kind: "settings", historyWindowMs: 7_200_000, reserveBytes: 0 });
  send({ kind: "closeCatalog", id: 3, bucketId: "B" });
  expect(await receive((message) => message.kind === "done" && message.id === 3)).toEqual({ kind: "done", id: 3 });
  const refused = await client.commit(remove("late")).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "NoSuchBucket" });
  send({ kind: "removeCatalog", id: 4, bucketId: "B" });
  await receive((message) => message.kind === "done" && message.id === 4);
  expect(existsSync(catalogPath(dataDir, "B"))).toBe(false);
  send({ kind: "stop" });
  expect(await receive(({ kind }) => kind === "stopped")).toEqual({ kind: "stopped" });
  port1.close();
}, 30_000);
