import { afterAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createUpload, minPartBytes } from "#testing/acceptance/multipart-upload.ts";
import { seededBytes } from "#testing/acceptance/test-data.ts";
import { readXmlText } from "#testing/acceptance/xml-text.ts";
import { customerKeyHeaders } from "#testing/customer-key.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({
  buckets: { source: "enabled", target: "never", refused: "never" },
  keys: { AKIAWRITER: [{ actions: ["s3:PutObject"], resources: ["arn:aws:s3:::target/*"] }] },
  settings: { "s3.allow_sse_c_http": true },
});
const source = server.bucket("source");
const target = server.bucket("target");
afterAll(() => server.remove());

function countBlobs(bucketId: string): number {
  return readdirSync(join(server.dataDir, "buckets", bucketId, "blobs"), {
    recursive: true,
    withFileTypes: true,
  }).filter((entry) => entry.isFile()).length;
}

test("uploadPart: a refused part leaves no file behind", async () => {
  const bucket = server.bucket("refused");
  const upload = await createUpload(bucket, "refused", { "x-amz-checksum-algorithm": "SHA256" });
  const body = seededBytes(300_000, 1);
  for (const headers of [
    { "x-amz-checksum-crc32": "AAAAAA==" },
    { "x-amz-checksum-sha256": Buffer.alloc(32).toString("base64") },
    { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" },
  ]) {
    expect((await upload.put(1, body, headers)).status).toBe(400);
  }
  await upload.abort();
  expect((await upload.put(1, body)).code).toBe("NoSuchUpload");
  expect(countBlobs("refused")).toBe(0);
});

test("uploadPart: answers the checksum that was sent, and the upload's when none was", async () => {
  const upload = await createUpload(target, "answers", { "x-amz-checksum-algorithm": "CRC32C" });
  const answer = await upload.put(1, "");
  expect([answer.headers["x-amz-checksum-crc32c"], answer.headers["x-amz-checksum-crc64nvme"] ?? "none"]).toEqual([
    "AAAAAA==",
    "none",
  ]);
  const complete = await upload.complete([
    { number: 1, etag: answer.headers["etag"] ?? "", extra: "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>" },
  ]);
  expect([complete.status, (await target.get("answers")).body.length]).toEqual([200, 0]);
});

test("uploadPartCopy: a part is the same whether it is sent or copied, in every encryption", async () => {
  const body = seededBytes(minPartBytes + 70_000, 4);
  await source.put("plain", body);
  await source.put("small", body.subarray(0, 1000));
  await source.put("secret", body, customerKeyHeaders(1));
  const cases: [string, Record<string, string>, Record<string, string>][] = [
    ["plain", {}, {}],
    ["secret", customerKeyHeaders(1, "source"), {}],
    ["plain", {}, customerKeyHeaders(2)],
    ["secret", customerKeyHeaders(1, "source"), customerKeyHeaders(2)],
  ];
  for (const [key, from, to] of cases) {
    const upload = await createUpload(target, `copy-of-${key}`, to);
    const whole = await upload.put(1, "", { "x-amz-copy-source": `source/${key}`, ...from, ...to });
    const cut = await upload.put(2, "", {
      "x-amz-copy-source": "source/small",
      "x-amz-copy-source-range": "bytes=10-19",
      ...to,
    });
    expect([whole.status, cut.status, whole.headers["x-amz-copy-source-version-id"]?.length]).toEqual([200, 200, 32]);
    const etags = [whole, cut].map(({ text }) => readXmlText(text, "ETag") ?? "");
    const done = await upload.complete(etags.map((etag, index) => ({ number: index + 1, etag })));
    expect(done.status).toBe(200);
    const got = await target.get(`copy-of-${key}`, to);
    expect(got.body.equals(Buffer.concat([body, body.subarray(10, 20)]))).toBe(true);
    const put = await target.put("sent", Buffer.concat([body, body.subarray(10, 20)]));
    expect(readXmlText(done.text, "ChecksumCRC64NVME")).toBe(put.headers["x-amz-checksum-crc64nvme"]);
  }
});

test("uploadPartCopy: needs the right to read the source, its key, and the upload", async () => {
  await source.put("forbidden", "x");
  const upload = await createUpload(server.bucket("target", "AKIAWRITER"), "k");
  const denied = await upload.put(1, "", { "x-amz-copy-source": "source/forbidden" });
  expect([denied.status, denied.code]).toEqual([403, "AccessDenied"]);
  const own = await createUpload(target, "own");
  expect((await own.put(1, "", { "x-amz-copy-source": "source/secret" })).code).toBe("InvalidRequest");
  expect(
    (await own.put(1, "", { "x-amz-copy-source": "source/secret", ...customerKeyHeaders(9, "source") })).code,
  ).toBe("AccessDenied");
  expect(
    (await own.put(1, "", { "x-amz-copy-source": "source/forbidden", ...customerKeyHeaders(9, "source") })).code,
  ).toBe("InvalidRequest");
  await own.abort();
  expect((await own.put(1, "", { "x-amz-copy-source": "source/plain" })).code).toBe("NoSuchUpload");
});

test("uploadPartCopy: more copies at once than may run all end", async () => {
  await source.put("many", seededBytes(1_000_000, 2));
  const upload = await createUpload(target, "many");
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, index) => upload.put(index + 1, "", { "x-amz-copy-source": "source/many" })),
  );
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  await upload.abort();
});

test("uploadPart, uploadPartCopy: afterwards every row and byte of the folder is sound", async () => {
  expect(await server.stopAndCheck()).toEqual([]);
});
