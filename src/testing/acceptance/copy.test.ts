import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { createUpload, minPartBytes } from "./multipart-upload.ts";
import { clientOf } from "./s3-client.ts";
import { encodePath, type HeaderFields } from "./sign-v4.ts";
import { oddKeys, seededBytes } from "./test-data.ts";
import { readXmlText } from "./xml-text.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("copy-a");
const other = await s3.createBucket("copy-b");
afterAll(async () => {
  s3.close();
  await server.remove();
});

for (const sizeBytes of [0, 1000, 3_000_000]) {
  test(`CopyObject: ${sizeBytes} bytes within a bucket and to another survive the deletion of the source`, async () => {
    const body = seededBytes(sizeBytes, 5);
    const source = `source-${sizeBytes}`;
    const put = await bucket.put(source, body);
    for (const target of [bucket, other]) {
      const answer = await target.put(`copied-${sizeBytes}`, "", from(`/copy-a/${source}`));
      expect([answer.status, readXmlText(answer.text, "ETag")]).toEqual([200, put.headers["etag"] ?? ""]);
    }
    await bucket.delete(source);
    for (const target of [bucket, other])
      expect((await target.get(`copied-${sizeBytes}`)).body.equals(body)).toBe(true);
    await bucket.delete(`copied-${sizeBytes}`);
    expect((await other.get(`copied-${sizeBytes}`)).body.equals(body)).toBe(true);
  });
}

test("CopyObject: every odd key can be source and target, with or without a leading slash", async () => {
  for (const [index, key] of oddKeys.entries()) {
    await bucket.put(key, `body ${index}`);
    const source = `${index % 2 === 0 ? "/" : ""}copy-a/${encodePath(key)}`;
    const answer = await other.put(key, "", from(source));
    expect([key, answer.status, answer.code]).toEqual([key, 200, ""]);
    expect((await other.get(key)).text).toBe(`body ${index}`);
  }
});

const sourceHeaders = { "content-type": "text/plain", "cache-control": "no-cache", "x-amz-meta-a": "1" };

test("CopyObject: COPY keeps the source's metadata and ignores the request's, REPLACE takes the request's alone", async () => {
  await bucket.put("meta", "x", sourceHeaders);
  await bucket.put("kept", "", from("copy-a/meta", { "x-amz-meta-b": "2", "content-type": "image/png" }));
  const kept = (await bucket.head("kept")).headers;
  expect([kept["content-type"], kept["cache-control"], kept["x-amz-meta-a"], kept["x-amz-meta-b"] ?? "none"]).toEqual([
    "text/plain",
    "no-cache",
    "1",
    "none",
  ]);
  const replace = { "x-amz-metadata-directive": "REPLACE", "x-amz-meta-b": "2", "content-type": "image/png" };
  await bucket.put("replaced", "", from("copy-a/meta", replace));
  const replaced = (await bucket.head("replaced")).headers;
  expect([
    replaced["content-type"],
    replaced["cache-control"] ?? "none",
    replaced["x-amz-meta-a"] ?? "none",
    replaced["x-amz-meta-b"],
  ]).toEqual(["image/png", "none", "none", "2"]);
});

test("CopyObject: onto itself without a change is InvalidRequest, with REPLACE it changes the metadata", async () => {
  const body = seededBytes(500_000, 8);
  await bucket.put("self", body, sourceHeaders);
  const refused = await bucket.put("self", "", from("copy-a/self"));
  expect([refused.status, refused.code]).toEqual([400, "InvalidRequest"]);
  const answer = await bucket.put(
    "self",
    "",
    from("copy-a/self", {
      "x-amz-metadata-directive": "REPLACE",
      "x-amz-meta-new": "1",
    }),
  );
  expect(answer.status).toBe(200);
  const got = await bucket.get("self");
  expect([got.headers["x-amz-meta-new"], got.headers["x-amz-meta-a"] ?? "none", got.body.equals(body)]).toEqual([
    "1",
    "none",
    true,
  ]);
});

test("CopyObject: bad sources are refused and nothing is stored", async () => {
  await bucket.put("present", "x");
  const cases = [
    ["copy-a/absent", 404, "NoSuchKey"],
    ["no-such-bucket-here/key", 404, "NoSuchBucket"],
    ["copy-a", 400, "InvalidArgument"],
    ["copy-a/", 400, "InvalidArgument"],
    ["/", 400, "InvalidArgument"],
    ["copy-a/present?versionId=", 400, "InvalidArgument"],
    ["copy-a/present?versionId=00000000000000000000000000000000", 404, "NoSuchVersion"],
    ["copy-a/%FF", 400, ""],
  ] as const;
  for (const [source, status, code] of cases) {
    const answer = await bucket.put("refused", "", from(source));
    expect([source, answer.status, code === "" ? "" : answer.code]).toEqual([source, status, code]);
  }
  const directive = await bucket.put("refused", "", from("copy-a/present", { "x-amz-metadata-directive": "MERGE" }));
  expect([directive.status, directive.code]).toEqual([400, "InvalidArgument"]);
  expect((await bucket.head("refused")).status).toBe(404);
  expect((await bucket.put("by-null", "", from("copy-a/present?versionId=null"))).status).toBe(200);
});

test("UploadPartCopy: ranges of a source become parts, ranges outside it are refused", async () => {
  const body = seededBytes(minPartBytes * 2, 6);
  await bucket.put("big", body);
  const upload = await createUpload(other, "assembled");
  const range = (text: string) =>
    upload.put(1, "", { "x-amz-copy-source": "copy-a/big", "x-amz-copy-source-range": text });
  for (const bad of [`bytes=0-${body.length}`, "bytes=5-1", "bytes=-5", "bytes=0-", "0-5", "bytes=0-1,3-4"]) {
    const answer = await range(bad);
    expect([bad, answer.status, answer.code]).toEqual([bad, 400, "InvalidArgument"]);
  }
  const first = await range(`bytes=3-${minPartBytes + 2}`);
  expect(first.status).toBe(200);
  const second = await upload.put(2, "tail");
  const conditional = await upload.put(3, "", {
    "x-amz-copy-source": "copy-a/big",
    "x-amz-copy-source-if-match": '"0123456789abcdef0123456789abcdef"',
  });
  expect([conditional.status, conditional.code]).toEqual([412, "PreconditionFailed"]);
  const answer = await upload.complete([
    { number: 1, etag: readXmlText(first.text, "ETag") ?? "" },
    { number: 2, etag: second.headers["etag"] ?? "" },
  ]);
  expect(answer.status).toBe(200);
  const expected = Buffer.concat([body.subarray(3, minPartBytes + 3), Buffer.from("tail")]);
  expect((await other.get("assembled")).body.equals(expected)).toBe(true);
});

test("CopyObject: a multipart source keeps its bytes, ETag and parts", async () => {
  const upload = await createUpload(bucket, "parts");
  const bodies = [seededBytes(minPartBytes, 1), seededBytes(5, 2)];
  const parts = await Promise.all(bodies.map((body, index) => upload.put(index + 1, body)));
  const answer = await upload.complete(
    parts.map(({ headers }, index) => ({ number: index + 1, etag: headers["etag"] ?? "" })),
  );
  const etag = readXmlText(answer.text, "ETag") ?? "";
  for (const target of [bucket, other]) {
    await target.put("parts-copy", "", from("copy-a/parts"));
    const got = await target.get("parts-copy");
    expect([got.headers["etag"], got.body.equals(Buffer.concat(bodies))]).toEqual([etag, true]);
    expect((await target.get("parts-copy", {}, "partNumber=2")).body.equals(bodies[1] ?? Buffer.alloc(0))).toBe(true);
  }
});

function from(source: string, headers: HeaderFields = {}): HeaderFields {
  return { "x-amz-copy-source": source, ...headers };
}
