import { afterAll, expect, test } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { startServer } from "../server-process.ts";
import { runTool } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";

const server = await startServer({ workers: 2 });
const s3 = clientOf(server);
afterAll(async () => {
  s3.close();
  await server.remove();
});
const bucket = await s3.createBucket("watched");
const main = resolve(import.meta.dirname, "../../main.ts");

async function change(settings: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await server.adminFetch("/api/v1/settings", {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify(settings),
  });
  expect(response.status).toBe(200);
}

interface Line {
  readonly event: { readonly action: string; readonly outcome?: string; readonly resource?: { readonly arn: string } };
}

/** The events of all days. */
async function readEvents(): Promise<readonly Line["event"][]> {
  const { items } = await (await server.adminFetch("/api/v1/audit/data-events")).json();
  const events: Line["event"][] = [];
  for (const { day } of items) {
    const text = await (await server.adminFetch(`/api/v1/audit/data-events?day=${day}`)).text();
    // A day whose file has just been begun has no line yet.
    const lines = text.split("\n").filter((line) => line !== "");
    for (const line of lines) events.push((JSON.parse(line) as Line).event);
  }
  return events;
}

/** Waits for an event of an action on a key, of an outcome when one is named: each worker gathers its own. */
async function waitForEvent(action: string, key: string, outcome?: string): Promise<Line["event"]> {
  const arn = `arn:aws:s3:::watched/${key}`;
  for (;;) {
    const found = (await readEvents()).find(
      (event) =>
        event.action === action && event.resource?.arn === arn && (outcome === undefined || event.outcome === outcome),
    );
    if (found !== undefined) return found;
    await Bun.sleep(50);
  }
}

test("requests for objects are recorded when switched on, live: writes, then reads too, refused ones as denied", async () => {
  await bucket.put("before", "x");
  expect(await readEvents()).toEqual([]);
  await change({ "audit.log_data_events": "writes" });
  await bucket.get("before");
  await bucket.put("one", "x");
  expect(await waitForEvent("s3:PutObject", "one")).toMatchObject({
    ...{ outcome: "success", status: 200, bytesIn: 1, via: "s3" },
    actor: { kind: "user", accessKeyId: server.credentials.accessKeyId },
  });
  await change({ "audit.log_data_events": "all" });
  await bucket.get("one");
  await waitForEvent("s3:GetObject", "one");
  await bucket.send("one", { method: "GET", credentials: null });
  await bucket.get("absent");
  expect(await waitForEvent("s3:GetObject", "absent")).toMatchObject({ outcome: "error", code: "NoSuchKey" });
  await change({ "server.trusted_proxies": ["127.0.0.1/32", "::1/128"] });
  await bucket.send("behind", { method: "PUT", body: "x", headers: { "x-forwarded-for": "203.0.113.9" } });
  expect(await waitForEvent("s3:PutObject", "behind")).toMatchObject({ address: "203.0.113.9" });
  await change({ "server.trusted_proxies": null });
  const refused = await waitForEvent("s3:GetObject", "one", "denied");
  expect(refused).toMatchObject({ outcome: "denied", actor: { kind: "anonymous" } });
  const events = await readEvents();
  expect(events.filter(({ resource }) => resource?.arn.endsWith("/before"))).toEqual([]);
  const verified = await runTool([process.execPath, main, "audit", "verify", "--data", server.dataDir]);
  expect(verified.stdout).toContain(`Requests for objects: ${(await readEvents()).length} events are right`);
  expect(verified.code).toBe(0);
});

test("what was answered right before the server ends is recorded", async () => {
  const other = await startServer({ workers: 2, env: { MAXIOFS_AUDIT_LOG_DATA_EVENTS: "writes" } });
  const client = clientOf(other);
  const ending = await client.createBucket("ending");
  await Promise.all(Array.from({ length: 40 }, (_, number) => ending.put(`key-${number}`, "x")));
  client.close();
  await other.stop();
  const verified = await runTool([process.execPath, main, "audit", "verify", "--data", other.dataDir]);
  expect(verified.stdout).toContain("Requests for objects: 40 events are right");
  await other.remove();
});

test("while events cannot be written, requests go on or are refused as audit.on_failure says, and heal", async () => {
  await change({ "audit.log_data_events": "writes", "audit.on_failure": "refuse" });
  const folder = join(server.dataDir, "audit");
  renameSync(folder, `${folder}-away`);
  writeFileSync(folder, "in the way");
  const statusOf = async (key: string) => (await bucket.put(key, "x")).status;
  while ((await statusOf("lost")) !== 503) await Bun.sleep(50);
  expect((await bucket.get("one")).status).toBe(200);
  await change({ "audit.on_failure": "continue" });
  expect(await statusOf("goes-on")).toBe(200);
  await change({ "audit.on_failure": "refuse" });
  rmSync(folder);
  renameSync(`${folder}-away`, folder);
  while ((await statusOf("healed")) !== 200) await Bun.sleep(50);
  await waitForEvent("s3:PutObject", "healed");
  await waitForEvent("s3:PutObject", "goes-on");
  await change({ "audit.log_data_events": "none", "audit.on_failure": "continue" });
});
