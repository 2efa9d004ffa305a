import { afterAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "../server-process.ts";
import { createUpload, minPartBytes } from "./multipart-upload.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("plaintext");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const needle = "PLAINTEXT-NEEDLE-0123456789-abcdef";

/** `sizeBytes` of filler with the needle at the beginning, in the middle and at the end. */
function bodyOf(sizeBytes: number): Buffer {
  const body = seededBytes(sizeBytes, sizeBytes);
  for (const offset of [0, Math.floor(sizeBytes / 2), sizeBytes - needle.length]) body.write(needle, offset, "latin1");
  return body;
}

/** Files below `folder` that hold one of `needles`. */
function filesWith(folder: string, needles: readonly Buffer[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const content = readFileSync(path);
      return needles.some((one) => content.includes(one));
    });
}

test("data folder: holds no plaintext of any body after every way of writing, while running, after a kill and after a stop", async () => {
  const user = await server.createKey("reader", [{ actions: ["s3:*"], resources: ["*"] }]);
  for (const sizeBytes of [200, 60_000, 70_000, 1_000_000]) {
    expect((await bucket.put(`put-${sizeBytes}`, bodyOf(sizeBytes))).status).toBe(200);
    expect(
      (await bucket.put(`copy-${sizeBytes}`, "", { "x-amz-copy-source": `plaintext/put-${sizeBytes}` })).status,
    ).toBe(200);
  }
  const other = await s3.createBucket("plaintext-copies");
  expect((await other.put("copy", "", { "x-amz-copy-source": "plaintext/put-1000000" })).status).toBe(200);
  expect((await other.put("copy-inline", "", { "x-amz-copy-source": "plaintext/put-200" })).status).toBe(200);
  const upload = await createUpload(bucket, "multipart");
  const parts = [await upload.put(1, bodyOf(minPartBytes)), await upload.put(2, bodyOf(500))];
  await upload.complete(parts.map(({ headers }, index) => ({ number: index + 1, etag: headers["etag"] ?? "" })));
  await (await createUpload(bucket, "unfinished")).put(1, bodyOf(400_000));
  await bucket.put("put-200", bodyOf(300));
  await bucket.delete("put-60000");
  await bucket.put("refused", bodyOf(300_000), { "content-md5": "CY9rzUYh03PK3k6DJie09g==" });

  const secrets = [server.credentials.secretKey, user.secretKey];
  const texts = [needle, ...secrets];
  const needles = texts.flatMap((text) => [
    Buffer.from(text),
    Buffer.from(Buffer.from(text).toString("hex")),
    Buffer.from(text, "utf16le"),
  ]);
  needles.push(...secrets.map((text) => Buffer.from(Buffer.from(text).toString("base64"))));
  expect(filesWith(server.dataDir, needles)).toEqual([]);
  await server.kill9();
  expect(filesWith(server.dataDir, needles)).toEqual([]);
  await server.start();
  expect((await bucket.get("multipart")).body.subarray(0, needle.length).toString()).toBe(needle);
  expect(await server.stop()).toBe(0);
  expect(filesWith(server.dataDir, needles)).toEqual([]);
  for (const secret of secrets) expect(server.output()).not.toContain(secret);
  expect(server.output()).not.toContain(needle);
}, 60_000);
