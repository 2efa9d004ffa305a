import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { createUpload } from "./multipart-upload.ts";
import { clientOf } from "./s3-client.ts";
import { readXmlText } from "./xml-text.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("dispatch");
await bucket.put("key", "kept");
afterAll(async () => {
  s3.close();
  await server.remove();
});

test("error document: code, message, resource and the ids of the headers; HEAD has no body", async () => {
  const answer = await bucket.get("absent <&> \u00e9");
  expect([answer.status, answer.headers["content-type"]]).toEqual([404, "application/xml"]);
  expect(answer.text.startsWith('<?xml version="1.0" encoding="UTF-8"?>')).toBe(true);
  expect(answer.text).toContain("<Error>");
  expect(readXmlText(answer.text, "Key")).toBe("absent <&> \u00e9");
  expect(readXmlText(answer.text, "Message")?.length ?? 0).toBeGreaterThan(0);
  expect(readXmlText(answer.text, "RequestId")).toBe(answer.headers["x-amz-request-id"] ?? "none");
  expect(readXmlText(answer.text, "HostId")).toBe(answer.headers["x-amz-id-2"] ?? "none");
  expect(readXmlText(answer.text, "Resource")?.length ?? 0).toBeGreaterThan(0);
  const head = await bucket.head("absent");
  expect([head.status, head.body.length]).toEqual([404, 0]);
});

test("error document: names the bucket that does not exist", async () => {
  for (const request of [
    { method: "GET", target: "/no-such-bucket" },
    { method: "GET", target: "/no-such-bucket/key" },
    { method: "PUT", target: "/no-such-bucket/key", body: "x" },
    { method: "DELETE", target: "/no-such-bucket/key" },
    { method: "POST", target: "/no-such-bucket/key?uploads" },
    { method: "DELETE", target: "/no-such-bucket" },
  ]) {
    const answer = await s3.send(request);
    expect([request, answer.status, answer.code]).toEqual([request, 404, "NoSuchBucket"]);
    expect(readXmlText(answer.text, "BucketName")).toBe("no-such-bucket");
  }
});

test("dispatcher: two sub-resources conflict and touch nothing", async () => {
  const pairs = [
    "tagging&acl",
    "uploads&tagging",
    "acl&retention",
    "delete&versions",
    "policy&cors",
    "location&versioning",
  ];
  for (const query of pairs) {
    for (const method of ["GET", "PUT", "POST", "DELETE"]) {
      for (const key of [undefined, "key"]) {
        const answer = await s3.send({ method, target: bucket.target(key, query), body: method === "GET" ? "" : "x" });
        expect([method, key, query, answer.status >= 400 && answer.status !== 500]).toEqual([method, key, query, true]);
      }
    }
  }
  const answer = await bucket.get("key", {}, "tagging&acl");
  expect([answer.status, answer.code]).toEqual([400, "InvalidArgument"]);
  expect((await bucket.get("key")).text).toBe("kept");
});

test("dispatcher: a sub-resource never falls through to the object or the bucket", async () => {
  const subresources = [
    "acl",
    "tagging",
    "retention",
    "legal-hold",
    "annotation",
    "encryption",
    "torrent",
    "restore",
    "select&select-type=2",
    "renameObject",
    "attributes",
    "policy",
    "cors",
    "lifecycle",
    "versioning",
    "website",
    "notification",
    "unknown-thing",
  ];
  for (const subresource of subresources) {
    for (const method of ["PUT", "DELETE", "POST"]) {
      await s3.send({ method, target: bucket.target("key", subresource), body: "overwritten?" });
      const got = await bucket.get("key");
      expect([method, subresource, got.status, got.text]).toEqual([method, subresource, 200, "kept"]);
    }
    for (const method of ["DELETE", "PUT", "POST"]) {
      await s3.send({ method, target: bucket.target(undefined, subresource) });
      expect([method, subresource, (await bucket.sendToBucket({ method: "HEAD" })).status]).toEqual([
        method,
        subresource,
        200,
      ]);
    }
  }
});

test("dispatcher: the right sub-resource with the wrong method is 405 with Allow", async () => {
  for (const [method, target] of [
    ["DELETE", bucket.target(undefined, "uploads")],
    ["PUT", bucket.target(undefined, "location")],
    ["DELETE", bucket.target("key", "uploads")],
    ["PATCH", bucket.target("key")],
  ] as const) {
    const answer = await s3.send({ method, target });
    expect([method, target, answer.status, answer.code]).toEqual([method, target, 405, "MethodNotAllowed"]);
    expect(answer.headers["allow"]?.length ?? 0).toBeGreaterThan(0);
  }
});

test("dispatcher: unknown parameters are 501 on writes, ignored with a value on reads, x-* always allowed", async () => {
  for (const method of ["PUT", "DELETE"]) {
    const answer = await s3.send({ method, target: bucket.target("key", "unknown=1"), body: "x" });
    expect([method, answer.status, answer.code]).toEqual([method, 501, "NotImplemented"]);
  }
  expect((await bucket.get("key", {}, "unknown=1")).text).toBe("kept");
  expect((await bucket.get("key", {}, "unknown")).status).toBe(501);
  expect((await bucket.get("key", {}, "x-id=GetObject&x-anything=1")).text).toBe("kept");
  expect((await bucket.get("key")).text).toBe("kept");
});

test("dispatcher: repeated parameters and an empty version id are InvalidArgument", async () => {
  const queries = ["versionId=null&versionId=null", "versionId=", "partNumber=1&partNumber=2"];
  for (const query of queries) {
    const answer = await bucket.get("key", {}, query);
    expect([query, answer.status, answer.code]).toEqual([query, 400, "InvalidArgument"]);
  }
  expect((await bucket.delete("key", {}, "versionId=")).code).toBe("InvalidArgument");
  expect((await bucket.get("key")).text).toBe("kept");
});

test("query: numbers come in one spelling, without sign, space or leading zero", async () => {
  const upload = await createUpload(bucket, "numbers");
  for (const spelling of ["01", "%2B1", "%201", "1%20", "1.0", "0x1", "1e0", "-1", ""]) {
    const answers = [
      await bucket.get("key", {}, `partNumber=${spelling}`),
      await bucket.send("numbers", {
        method: "PUT",
        query: `partNumber=${spelling}&uploadId=${upload.uploadId}`,
        body: "x",
      }),
      await bucket.list(`list-type=2&max-keys=${spelling}`),
      await bucket.list(`uploads&max-uploads=${spelling}`),
      await bucket.get("numbers", {}, `uploadId=${upload.uploadId}&max-parts=${spelling}`),
      await bucket.get("numbers", {}, `uploadId=${upload.uploadId}&part-number-marker=${spelling}`),
      await s3.send({ method: "GET", target: `/?max-buckets=${spelling}` }),
    ];
    for (const [index, answer] of answers.entries())
      expect([spelling, index, answer.status, answer.code]).toEqual([spelling, index, 400, "InvalidArgument"]);
  }
  expect((await upload.list()).text).not.toContain("<Part>");
  await upload.abort();
});

test("dispatcher: an unknown member of a family that matters is 501, never ignored", async () => {
  const headers = [
    "x-amz-object-lock-event-hold",
    "x-amz-server-side-encryption-magic",
    "x-amz-write-offset-typo",
    "x-amz-grant-everything",
    "x-amz-if-moon",
  ];
  for (const name of headers) {
    const answer = await bucket.put("key", "overwritten", { [name]: "1" });
    expect([name, answer.status, answer.code]).toEqual([name, 501, "NotImplemented"]);
  }
  expect((await bucket.put("other", "x", { "x-amz-unheard-of": "1" })).status).toBe(200);
  expect((await bucket.get("key")).text).toBe("kept");
});

test("PutObject: an unknown storage class is InvalidStorageClass", async () => {
  const answer = await bucket.put("class", "x", { "x-amz-storage-class": "WARM" });
  expect([answer.status, answer.code]).toEqual([400, "InvalidStorageClass"]);
  expect((await bucket.head("class")).status).toBe(404);
});

test("x-amz-expected-bucket-owner: any value but the owner's is AccessDenied", async () => {
  const listing = await bucket.list();
  const owner = readXmlText(listing.text, "ID") ?? "";
  expect((await bucket.get("key", { "x-amz-expected-bucket-owner": owner })).status).toBe(200);
  for (const request of [
    bucket.get("key", { "x-amz-expected-bucket-owner": "111122223333" }),
    bucket.put("key", "x", { "x-amz-expected-bucket-owner": "111122223333" }),
    bucket.delete("key", { "x-amz-expected-bucket-owner": "111122223333" }),
  ]) {
    const answer = await request;
    expect([answer.status, answer.code]).toEqual([403, "AccessDenied"]);
  }
  expect((await bucket.get("key")).text).toBe("kept");
});

test("bucket read: GET of a bucket's path and of the path with a slash are the same listing", async () => {
  const [plain, slash] = [await bucket.list(), await s3.send({ method: "GET", target: "/dispatch/?list-type=2" })];
  expect([plain.status, slash.status]).toEqual([200, 200]);
  expect(readXmlText(slash.text, "Key")).toBe("key");
});

test("absolute-form targets and keys that look like other things are served by their raw path", async () => {
  const absolute = `http://127.0.0.1:${s3.port}/dispatch/key`;
  const prepared = s3.prepare({ method: "GET", target: "/dispatch/key" });
  const { exchange } = await import("./raw-connection.ts");
  const answer = await exchange({ port: s3.port }, "GET", prepared.head.replace("/dispatch/key", absolute));
  expect([answer.status, answer.body.toString()]).toEqual([200, "kept"]);
  for (const key of ["health/live", "metrics", "api/v1/access-keys", "minio/health/live", "favicon.ico"]) {
    expect((await bucket.get(key)).code).toBe("NoSuchKey");
  }
  const service = await s3.send({ method: "GET", target: "/metrics" });
  expect(service.status).toBe(404);
});

test("ListMultipartUploads: works right after create, as a registry needs it", async () => {
  const upload = await createUpload(bucket, "registry");
  expect((await bucket.list("uploads&prefix=registry")).text).toContain(upload.uploadId);
  await upload.abort();
});
