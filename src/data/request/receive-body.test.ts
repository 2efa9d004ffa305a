import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openConnection } from "#testing/acceptance/raw-connection.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({ buckets: { bucket: "never" }, settings: { "system.max_upload_size_mb": 1 } });
const bucket = server.bucket("bucket");
afterAll(() => server.remove());

const small = Buffer.from("twenty-six bytes of plain.");
const large = Buffer.alloc(300_000, "the bytes of a blob. ");
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("base64");
const wrongMd5 = md5(Buffer.from("other"));
const otherSha256 = createHash("sha256").update("other").digest("hex");

/** Files of blobs, finished or not. */
function countBlobFiles(): number {
  const folder = join(server.dataDir, "buckets", "bucket", "blobs");
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.length > 2).length;
}

const sha256OfOther = createHash("sha256").update("other").digest("base64");

test.each([
  ["Content-MD5", { headers: { "content-md5": wrongMd5 } }, "BadDigest"],
  ["Content-MD5 that is none", { headers: { "content-md5": "AAAA" } }, "InvalidDigest"],
  ["payload hash", { payloadHash: otherSha256 }, "XAmzContentSHA256Mismatch"],
  ["CRC32", { headers: { "x-amz-checksum-crc32": "AAAAAA==" } }, "BadDigest"],
  ["CRC32C", { headers: { "x-amz-checksum-crc32c": "AAAAAA==" } }, "BadDigest"],
  ["CRC64NVME", { headers: { "x-amz-checksum-crc64nvme": "AAAAAAAAAAA=" } }, "BadDigest"],
  ["SHA256", { headers: { "x-amz-checksum-sha256": sha256OfOther } }, "BadDigest"],
  ["promise of a checksum", { headers: { "x-amz-sdk-checksum-algorithm": "CRC32" } }, "InvalidRequest"],
  ["name of a checksum", { headers: { "x-amz-sdk-checksum-algorithm": "CRC31" } }, "InvalidRequest"],
])("receiveBody: a wrong %s is refused, inline and in a blob; nothing is stored or left", async (_, change, code) => {
  for (const body of [small, large]) {
    await bucket.put("kept", "before");
    const before = countBlobFiles();
    const response = await bucket.send("kept", { method: "PUT", body, ...change });
    expect([response.status, response.code]).toEqual([400, code]);
    expect((await bucket.get("kept")).text).toBe("before");
    expect(countBlobFiles()).toBe(before);
  }
});

test("receiveBody: what SDKs say of their checksum goes with the one they send, not with another", async () => {
  const sha256 = { "x-amz-checksum-sha256": createHash("sha256").update(small).digest("base64") };
  const named = (name: string) => bucket.put("named", small, { ...sha256, "x-amz-sdk-checksum-algorithm": name });
  expect((await named("sha256")).status).toBe(200);
  expect((await named("CRC32")).code).toBe("InvalidRequest");
});

test("receiveBody: a piece of an object is not stored as the whole", async () => {
  await bucket.put("pieces", "before");
  for (const body of [small, large]) {
    const answer = await bucket.put("pieces", body, { "content-range": `bytes 0-${body.length - 1}/${body.length}` });
    expect([answer.status, answer.code]).toEqual([501, "NotImplemented"]);
  }
  expect((await bucket.get("pieces")).text).toBe("before");
});

test("receiveBody: right digests are accepted, several at once too", async () => {
  for (const body of [small, large]) {
    const headers = {
      "content-md5": md5(body),
      "x-amz-checksum-sha256": createHash("sha256").update(body).digest("base64"),
    };
    expect((await bucket.put("good", body, headers)).status).toBe(200);
    expect(Buffer.compare((await bucket.get("good")).body, body)).toBe(0);
  }
});

test("receiveBody: a body above the limit is refused before it is read, and by its length while it comes", async () => {
  const response = await bucket.send("big", { method: "PUT", body: Buffer.alloc(2 ** 20 + 1) });
  expect([response.status, response.code]).toEqual([400, "EntityTooLarge"]);
  expect((await bucket.put("fits", Buffer.alloc(2 ** 20))).status).toBe(200);
});

test("receiveBody: a client that goes away in the middle leaves nothing, and the next one is served", async () => {
  const before = countBlobFiles();
  for (const sent of [0, 1, 65_536, 299_999, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]) {
    const connection = await openConnection({ port: server.s3.port });
    await connection.write(server.s3.prepare({ method: "PUT", target: bucket.target("lost"), body: large }).head);
    await connection.write(large.subarray(0, sent));
    connection.destroy();
  }
  await waitFor(() => countBlobFiles() === before);
  expect((await bucket.get("lost")).code).toBe("NoSuchKey");
  expect((await bucket.put("after", large)).status).toBe(200);
});

test("receiveBody: a PUT without any length is refused", async () => {
  const response = await bucket.send("none", { method: "PUT", headers: { "content-length": "" } });
  expect([response.status, response.code]).toEqual([411, "MissingContentLength"]);
});

test("receiveBody: a request that sends nothing where the length is optional has an empty body", async () => {
  const withoutLength = { "content-length": "" };
  const response = await bucket.send("upload", { method: "POST", query: "uploadId=none", headers: withoutLength });
  expect([response.status, response.code]).toEqual([404, "NoSuchUpload"]);
});

/** Waits until it holds for a tenth of a second: it may hold before what is on its way too. */
async function waitFor(condition: () => boolean): Promise<void> {
  let held = 0;
  for (let i = 0; i < 500 && held < 10; i++) {
    await Bun.sleep(10);
    held = condition() ? held + 1 : 0;
  }
  expect(held).toBe(10);
}
