import { afterEach, expect, test } from "bun:test";
import type { BucketClient } from "#testing/acceptance/bucket-client.ts";
import { openConnection } from "#testing/acceptance/raw-connection.ts";
import { readXmlText } from "#testing/acceptance/xml-text.ts";
import { type PoolServer, type PoolServerOptions, startPoolServer } from "#testing/pool-server.ts";
import { seedPut } from "#testing/seed-catalog.ts";

let server: PoolServer | undefined;
afterEach(() => server?.remove());

async function start(options: PoolServerOptions): Promise<PoolServer> {
  server = await startPoolServer(options);
  return server;
}

const kib = 1024;
const refusal = { status: 403, code: "QuotaExceeded" };

function count<T>(values: readonly T[], wanted: T): number {
  return values.filter((value) => value === wanted).length;
}

test("quota: 64 parallel uploads over two workers fill a bucket to the byte and not beyond", async () => {
  const running = await start({
    buckets: { bucket: "never" },
    quotas: { bucket: { maxBytes: 40 * 10 * kib } },
    workerCount: 2,
  });
  const bucket = running.bucket("bucket");
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, n) => bucket.put(`key-${n}`, new Uint8Array(10 * kib))),
  );
  const codes = answers.map(({ status, code }) => code || String(status));
  expect([count(codes, "200"), count(codes, "QuotaExceeded")]).toEqual([40, 24]);
  expect(await running.usage("bucket")).toEqual({ bytes: 40 * 10 * kib, objects: 40 });
  expect(await running.stopAndCheck()).toEqual([]);
}, 60_000);

test("quota: a tenant's bound holds over its buckets, for small bodies and for blobs; what holds nothing yet is counted too", async () => {
  const running = await start({
    buckets: { one: "never", two: "enabled", old: "never" },
    limits: { maxBytes: 20 * 100 * kib + 1, maxObjects: 1_000 },
    prepare: (writer) => {
      if (writer.bucketId === "old") writer.commit([{ mutation: seedPut("old", "seed"), bytes: new Uint8Array(17) }]);
    },
  });
  const put = (n: number) => running.bucket(n % 2 ? "one" : "two").put(`key-${n}`, new Uint8Array(100 * kib));
  const answers = await Promise.all(Array.from({ length: 64 }, (_, n) => put(n)));
  expect(
    count(
      answers.map(({ status }) => status),
      200,
    ),
  ).toBe(20);
  expect(await running.bucket("one").put("one-more-byte", "x")).toMatchObject(refusal);
  expect((await running.bucket("old").delete("seed")).status).toBe(204);
  expect((await running.bucket("one").put("one-more-byte", "x")).status).toBe(200);
}, 60_000);

test("quota: objects are visible keys; overwriting counts the difference, deleting frees", async () => {
  const running = await start({ buckets: { bucket: "never" }, quotas: { bucket: { maxBytes: 100, maxObjects: 2 } } });
  const bucket = running.bucket("bucket");
  expect((await bucket.put("a", new Uint8Array(60))).status).toBe(200);
  expect((await bucket.put("b", new Uint8Array(40))).status).toBe(200);
  expect(await bucket.put("c", "")).toMatchObject(refusal);
  expect(await bucket.put("a", new Uint8Array(61))).toMatchObject(refusal);
  expect((await bucket.put("a", new Uint8Array(60))).status).toBe(200);
  expect((await bucket.get("a")).body.length).toBe(60);
  expect((await bucket.delete("b")).status).toBe(204);
  expect((await bucket.put("c", new Uint8Array(40))).status).toBe(200);
});

test("quota: versions count until they are removed, delete markers free keys and are never refused", async () => {
  const running = await start({ buckets: { bucket: "enabled" }, quotas: { bucket: { maxBytes: 100, maxObjects: 1 } } });
  const bucket = running.bucket("bucket");
  const first = await bucket.put("a", new Uint8Array(60));
  expect((await bucket.put("a", new Uint8Array(40))).status).toBe(200);
  expect(await bucket.put("a", "x")).toMatchObject(refusal);
  expect((await bucket.delete("a")).status).toBe(204);
  expect(await running.usage("bucket")).toEqual({ bytes: 100, objects: 0 });
  await bucket.delete("a", {}, `versionId=${first.headers["x-amz-version-id"]}`);
  expect((await bucket.put("b", new Uint8Array(60))).status).toBe(200);
});

test("quota: parts count when they are uploaded; completing moves them, aborting and replacing frees them; copies count", async () => {
  const running = await start({ buckets: { bucket: "never" }, quotas: { bucket: { maxBytes: 100, maxObjects: 2 } } });
  const bucket = running.bucket("bucket");
  const create = async (key: string) =>
    readXmlText((await bucket.send(key, { method: "POST", query: "uploads" })).text, "UploadId") ?? "";
  const part = (key: string, id: string, size: number) =>
    bucket.send(key, { method: "PUT", query: `partNumber=1&uploadId=${id}`, body: new Uint8Array(size) });
  const kept = await create("kept");
  const sent = await part("kept", kept, 60);
  const other = await create("other");
  expect(await part("other", other, 41)).toMatchObject(refusal);
  expect((await part("other", other, 40)).status).toBe(200);
  expect((await part("other", other, 30)).status).toBe(200);
  expect(await bucket.put("plain", new Uint8Array(11))).toMatchObject(refusal);
  expect((await bucket.send("other", { method: "DELETE", query: `uploadId=${other}` })).status).toBe(204);
  const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${sent.headers["etag"]}</ETag></Part></CompleteMultipartUpload>`;
  expect((await bucket.send("kept", { method: "POST", query: `uploadId=${kept}`, body: list })).status).toBe(200);
  expect(await running.usage("bucket")).toEqual({ bytes: 60, objects: 1 });
  expect(await bucket.put("copy", "", { "x-amz-copy-source": "/bucket/kept" })).toMatchObject(refusal);
  expect((await bucket.put("small", new Uint8Array(20))).status).toBe(200);
  expect(await bucket.put("copy", "", { "x-amz-copy-source": "/bucket/small" })).toMatchObject(refusal);
  const full = await create("third");
  const third = await part("third", full, 20);
  const thirdList = list.replace(sent.headers["etag"] ?? "", third.headers["etag"] ?? "");
  expect(await bucket.send("third", { method: "POST", query: `uploadId=${full}`, body: thirdList })).toMatchObject(
    refusal,
  );
});

test("quota: parts that are copied and appends count; where versioning is suspended the null version is replaced", async () => {
  const running = await start({
    buckets: { bucket: "never", suspended: "suspended" },
    quotas: { bucket: { maxBytes: 100 }, suspended: { maxBytes: 100, maxObjects: 1 } },
  });
  const [bucket, suspended] = [running.bucket("bucket"), running.bucket("suspended")];
  await bucket.put("source", new Uint8Array(40));
  const created = await bucket.send("target", { method: "POST", query: "uploads" });
  const query = `partNumber=1&uploadId=${readXmlText(created.text, "UploadId")}`;
  const copyPart = () =>
    bucket.send("target", { method: "PUT", query, headers: { "x-amz-copy-source": "/bucket/source" } });
  for (const wanted of [200, 200]) expect((await copyPart()).status).toBe(wanted);
  const append = (size: number) => bucket.put("source", new Uint8Array(size), { "x-amz-write-offset-bytes": "40" });
  expect(await append(21)).toMatchObject(refusal);
  expect((await append(20)).status).toBe(200);
  expect(await copyPart()).toMatchObject(refusal);
  expect(await running.usage("bucket")).toEqual({ bytes: 100, objects: 1 });
  for (const size of [60, 100, 70]) expect((await suspended.put("a", new Uint8Array(size))).status).toBe(200);
  expect(await suspended.put("a", new Uint8Array(101))).toMatchObject(refusal);
  expect(await running.usage("suspended")).toEqual({ bytes: 70, objects: 1 });
});

test("quota: what cannot fit is refused before a byte of it is sent, unless it replaces enough", async () => {
  const running = await start({ buckets: { bucket: "never" }, quotas: { bucket: { maxBytes: 1_000 } } });
  const bucket = running.bucket("bucket");
  expect((await bucket.put("a", new Uint8Array(600))).status).toBe(200);
  expect(await announce(bucket, "b", 401)).toEqual({ status: 403, wasAsked: false });
  expect(await announce(bucket, "b", 400)).toEqual({ status: 200, wasAsked: true });
  expect(await announce(bucket, "a", 601)).toEqual({ status: 403, wasAsked: false });
  expect(await announce(bucket, "a", 600)).toEqual({ status: 200, wasAsked: true });
});

/** Sends the head of an upload alone, and its body only when the server asks for it. */
async function announce(bucket: BucketClient, key: string, sizeBytes: number) {
  const { head } = bucket.s3.prepare({
    method: "PUT",
    target: bucket.target(key),
    headers: { "content-length": String(sizeBytes), expect: "100-continue" },
    payloadHash: "UNSIGNED-PAYLOAD",
  });
  const connection = await openConnection({ port: bucket.s3.port });
  await connection.write(head);
  const answer = connection.readResponse("PUT");
  const interim = await Promise.race([answer, Bun.sleep(500)]);
  if (interim === undefined) await connection.write(new Uint8Array(sizeBytes));
  const { status, interim: asked } = await answer;
  connection.destroy();
  return { status, wasAsked: asked.includes(100) };
}
