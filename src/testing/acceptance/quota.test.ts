import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import type { BucketClient } from "./bucket-client.ts";
import { clientOf } from "./s3-client.ts";
import { readXmlElements, readXmlText } from "./xml-text.ts";

const server = await startServer();
const s3 = clientOf(server);
afterAll(async () => {
  s3.close();
  await server.remove();
});

const kib = 1_024;

async function setQuota(bucket: string, maxBytes: number | null, maxObjects: number | null): Promise<void> {
  const response = await server.adminFetch(`/api/v1/buckets/${bucket}/quota`, {
    method: "PUT",
    headers: { "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify({ maxBytes, maxObjects }),
  });
  expect(response.status).toBe(200);
}

interface LevelEvent {
  readonly resource: { readonly kind: string; readonly name: string };
  readonly change: Readonly<Record<string, unknown>>;
}

/** What was told of a quota, in the order of time, once there are `count` events or more. */
async function waitForLevels(name: string, count: number): Promise<readonly unknown[]> {
  for (let attempt = 0; ; attempt++) {
    const response = await server.adminFetch("/api/v1/audit/events?action=quota:Level&limit=1000");
    const { items } = (await response.json()) as { readonly items: readonly LevelEvent[] };
    const found = items.filter(({ resource }) => resource.name === name).toReversed();
    if (found.length >= count || attempt === 300) return found.map(({ change }) => change);
    await Bun.sleep(100);
  }
}

async function readUsage(bucket: string): Promise<unknown> {
  return (await server.adminFetch(`/api/v1/buckets/${bucket}/usage`)).json();
}

/** What a bucket holds, counted version by version and part by part. */
async function recount(bucket: BucketClient): Promise<{ bytes: number; objects: number }> {
  const sizes: number[] = [];
  const versions = await bucket.list("versions");
  for (const element of readXmlElements(versions.text, "Version")) sizes.push(Number(readXmlText(element, "Size")));
  const objects = readXmlElements((await bucket.list("list-type=2")).text, "Contents").length;
  for (const upload of readXmlElements((await bucket.list("uploads")).text, "Upload")) {
    const id = readXmlText(upload, "UploadId") ?? "";
    const parts = await bucket.get(readXmlText(upload, "Key") ?? "", {}, `uploadId=${id}`);
    for (const part of readXmlElements(parts.text, "Part")) sizes.push(Number(readXmlText(part, "Size")));
  }
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), objects };
}

test("quota: set through the API it holds from the answer on; 64 parallel uploads fill it exactly", async () => {
  const bucket = await s3.createBucket("filled");
  await setQuota("filled", 30 * 20 * kib, null);
  const put = (n: number) => bucket.put(`key-${n}`, new Uint8Array(20 * kib));
  const answers = await Promise.all(Array.from({ length: 64 }, (_, n) => put(n)));
  expect(answers.filter(({ status }) => status === 200).length).toBe(30);
  for (const { status, code } of answers) if (status !== 200) expect([status, code]).toEqual([403, "QuotaExceeded"]);
  expect(await readUsage("filled")).toEqual({ bytes: 30 * 20 * kib, objects: 30 });
  await setQuota("filled", null, 30);
  expect(await bucket.put("one-more", "")).toMatchObject({ status: 403, code: "QuotaExceeded" });
  await setQuota("filled", null, null);
  expect((await bucket.put("one-more", "")).status).toBe(200);
});

test("quota: killed while it writes, the server counts on from what was stored", async () => {
  const bucket = await s3.createBucket("killed");
  const maxBytes = 4_000 * kib;
  await setQuota("killed", maxBytes, 200);
  for (let round = 0; round < 4; round++) {
    let isRunning = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; isRunning; n++) {
        const key = `key-${(n * 8 + writer) % 90}`;
        if (n % 5 === 4) await bucket.delete(key);
        else if (n % 7 === 6) {
          const created = await bucket.send(key, { method: "POST", query: "uploads" });
          const id = readXmlText(created.text, "UploadId") ?? "";
          const body = new Uint8Array(5 * kib);
          await bucket.send(key, { method: "PUT", query: `partNumber=1&uploadId=${id}`, body });
        } else await bucket.put(key, new Uint8Array((1 + (n % 9)) * 10 * kib));
      }
    });
    // Whoever is cut off ends here.
    const ended = Promise.allSettled(writers);
    await Bun.sleep(300);
    const killed = server.kill9();
    isRunning = false;
    await Promise.all([killed, ended]);
    s3.close();
    await server.start();
    const counted = await recount(bucket);
    expect(await readUsage("killed")).toEqual(counted);
    expect(counted.bytes).toBeLessThanOrEqual(maxBytes);
  }
  const { bytes, objects } = await recount(bucket);
  await setQuota("killed", bytes + 10, objects + 1);
  expect(await bucket.put("fits-not", new Uint8Array(11))).toMatchObject({ status: 403, code: "QuotaExceeded" });
  expect((await bucket.put("fits", new Uint8Array(10))).status).toBe(200);
}, 60_000);

test("quota: 80, 90 and 100 % are told of once each, by the audit and the log, also over a restart", async () => {
  const bucket = await s3.createBucket("levels");
  await setQuota("levels", 100_000, 10);
  const rise = (measure: string, [before, after]: readonly number[], [used, bound]: readonly number[]) => ({
    percent: { before, after },
    [measure]: { after: { used, bound } },
  });
  expect((await bucket.put("large", new Uint8Array(80_000))).status).toBe(200);
  const told = [rise("bytes", [0, 80], [80_000, 100_000])];
  expect(await waitForLevels("levels", 1)).toEqual(told);
  // Down by less than the way back, and up again: nothing new.
  expect((await bucket.put("large", new Uint8Array(76_000))).status).toBe(200);
  await server.stop();
  await server.start();
  expect((await bucket.put("large", new Uint8Array(81_000))).status).toBe(200);
  for (let n = 0; n < 9; n++) expect((await bucket.put(`small-${n}`, "x")).status).toBe(200);
  told.push(rise("objects", [0, 100], [10, 10]));
  expect(await waitForLevels("levels", 2)).toEqual(told);
  expect((await bucket.put("large", new Uint8Array(99_000))).status).toBe(200);
  told.push(rise("bytes", [80, 90], [99_009, 100_000]));
  expect(await waitForLevels("levels", 3)).toEqual(told);
  expect((await bucket.delete("large")).status).toBe(204);
  const tenants = await server.adminFetch("/api/v1/tenants?limit=1");
  const { items } = (await tenants.json()) as { readonly items: readonly { tenantId: string; slug: string }[] };
  expect(server.output().match(/"A quota is nearly used up"/g)).toHaveLength(2);
  expect(server.output()).toContain('"A quota is used up"');
  const limited = await server.adminFetch(`/api/v1/tenants/${items[0]?.tenantId}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify({ limits: { maxObjects: 1 } }),
  });
  expect(limited.status).toBe(200);
  expect(await waitForLevels(items[0]?.slug ?? "", 1)).toMatchObject([{ percent: { before: 0, after: 100 } }]);
}, 120_000);
