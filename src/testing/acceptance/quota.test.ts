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
