import { afterAll, expect, test } from "bun:test";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { Client, CopyConditions } from "minio";
import { startServer } from "../server-process.ts";
import { sortKeys } from "./listing-model.ts";
import { bodySizes, md5Hex, oddKeys, seededBytes } from "./test-data.ts";

const server = await startServer();
const bucket = "minio-js";
const minio = new Client({
  endPoint: "127.0.0.1",
  port: server.s3Port,
  useSSL: false,
  accessKey: server.credentials.accessKeyId,
  secretKey: server.credentials.secretKey,
});
await minio.makeBucket(bucket);
afterAll(() => server.remove());

async function read(key: string): Promise<Buffer> {
  return buffer(await minio.getObject(bucket, key));
}

async function listKeys(name: string, prefix: string, recursive: boolean): Promise<string[]> {
  const keys: string[] = [];
  for await (const item of minio.listObjectsV2(name, prefix, recursive)) keys.push(item.name ?? item.prefix);
  return keys;
}

for (const size of bodySizes) {
  test(`minio-js: ${size} bytes`, async () => {
    const body = seededBytes(size, size);
    const put = await minio.putObject(bucket, `size-${size}`, body);
    if (size < 64 * 1024 * 1024) expect(put.etag).toBe(md5Hex(body));
    expect((await read(`size-${size}`)).equals(body)).toBe(true);
    expect((await minio.statObject(bucket, `size-${size}`)).size).toBe(size);
  });
}

test("minio-js: a stream of unknown length is a multipart upload", async () => {
  const body = seededBytes(100_000, 3);
  await minio.putObject(bucket, "stream", Readable.from([body.subarray(0, 50_000), body.subarray(50_000)]));
  expect((await read("stream")).equals(body)).toBe(true);
});

test("minio-js: odd keys are stored, listed, read and removed together", async () => {
  const name = "minio-js-odd";
  await minio.makeBucket(name);
  // The client refuses these two itself.
  const keys = oddKeys.filter((key) => key.trim() === key && key !== "." && key !== "..");
  for (const key of keys) await minio.putObject(name, key, key);
  for (const key of keys) expect((await buffer(await minio.getObject(name, key))).toString()).toBe(key);
  expect(sortKeys(await listKeys(name, "", true))).toEqual(sortKeys(keys));
  await minio.removeObjects(name, keys);
  expect(await listKeys(name, "", true)).toEqual([]);
  await minio.removeBucket(name);
});

test("minio-js: metadata, copy, part of an object, folders, stat of what is missing", async () => {
  await minio.putObject(bucket, "d/meta", "0123456789", 10, { "Content-Type": "text/x", "X-Amz-Meta-Kept": "yes" });
  const stat = await minio.statObject(bucket, "d/meta");
  expect([stat.metaData["content-type"], stat.metaData["kept"]]).toEqual(["text/x", "yes"]);
  await minio.copyObject(bucket, "d/copy", `/${bucket}/d/meta`, new CopyConditions());
  expect((await read("d/copy")).toString()).toBe("0123456789");
  const partial = await buffer(await minio.getPartialObject(bucket, "d/meta", 2, 3));
  expect(partial.toString()).toBe("234");
  expect(await listKeys(bucket, "d", false)).toEqual(["d/"]);
  await minio.removeObject(bucket, "d/meta");
  expect(await minio.statObject(bucket, "d/meta").catch((error: unknown) => String(error))).toContain("Not Found");
});

test("minio-js: presigned URLs read and write", async () => {
  const put = await fetch(await minio.presignedPutObject(bucket, "presigned", 60), { method: "PUT", body: "by url" });
  expect(put.status).toBe(200);
  const got = await fetch(await minio.presignedGetObject(bucket, "presigned", 60));
  expect([got.status, await got.text()]).toEqual([200, "by url"]);
});

test("minio-js: buckets are listed and exist or do not", async () => {
  expect((await minio.listBuckets()).map(({ name }) => name)).toContain(bucket);
  expect([await minio.bucketExists(bucket), await minio.bucketExists("no-such-bucket")]).toEqual([true, false]);
  expect(await minio.removeBucket(bucket).catch((error: unknown) => String(error))).toContain("not empty");
});
