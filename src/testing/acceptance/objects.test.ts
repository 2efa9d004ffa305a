import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { clientOf, type S3Response } from "./s3-client.ts";
import { bodySizes, md5Hex, oddKeys, seededBytes } from "./test-data.ts";
import { readXmlTexts } from "./xml-text.ts";

const server = await startServer();
const s3 = clientOf(server);
const objects = await s3.createBucket("objects");
afterAll(async () => {
  s3.close();
  await server.remove();
});

for (const sizeBytes of bodySizes) {
  test(`PutObject: ${sizeBytes} bytes come back byte for byte with the MD5 as ETag`, async () => {
    const body = seededBytes(sizeBytes, sizeBytes + 1);
    const put = await objects.put(`size-${sizeBytes}`, body);
    expect(put.status).toBe(200);
    expect(put.headers["etag"]).toBe(`"${md5Hex(body)}"`);
    const got = await objects.get(`size-${sizeBytes}`);
    expect(got.status).toBe(200);
    expect(got.body.equals(body)).toBe(true);
    expect(got.headers["etag"]).toBe(`"${md5Hex(body)}"`);
    const head = await objects.head(`size-${sizeBytes}`);
    expect([head.status, head.headers["content-length"]]).toEqual([200, String(sizeBytes)]);
  });
}

test("PutObject: every odd key is an object of its own, and listing names each once", async () => {
  const odd = await s3.createBucket("odd-keys");
  for (const [index, key] of oddKeys.entries()) {
    const put = await odd.put(key, `body ${index}`);
    expect([key, put.status]).toEqual([key, 200]);
  }
  for (const [index, key] of oddKeys.entries()) {
    expect([key, (await odd.get(key)).text]).toEqual([key, `body ${index}`]);
  }
  const listed = await odd.list("list-type=2");
  expect(readXmlTexts(listed.text, "Key")).toEqual(
    oddKeys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
});

test("PutObject: keys that differ only in dots, slashes or normal form do not replace one another", async () => {
  const twins = await s3.createBucket("twins");
  const keys = [
    "k",
    "k/",
    "k//",
    "./k",
    "k/.",
    "k/..",
    "../k",
    "/k",
    "K",
    "caf\u00e9",
    "cafe\u0301",
    "k%2F",
    "k+ ",
    "k ",
  ];
  for (const key of keys) await twins.put(key, `body of ${key}`);
  for (const key of keys) expect((await twins.get(key)).text).toBe(`body of ${key}`);
  expect((await twins.delete("k/")).status).toBe(204);
  expect((await twins.get("k/")).code).toBe("NoSuchKey");
  for (const key of keys.filter((twin) => twin !== "k/")) expect((await twins.head(key)).status).toBe(200);
});

test("GetObject: percent escapes are decoded once, a plus stays a plus, a raw dot segment is no folder", async () => {
  await objects.put("a b", "space");
  await objects.put("a+b", "plus");
  await objects.put("a%20b", "escape");
  await objects.put("dir/../up", "dots");
  const targets = [
    ["/objects/a%20b", "space"],
    ["/objects/a+b", "plus"],
    ["/objects/a%2Bb", "plus"],
    ["/objects/a%2520b", "escape"],
    ["/objects/dir/../up", "dots"],
    ["/objects/dir/%2E%2E/up", "dots"],
    ["/objects/dir%2F..%2Fup", "dots"],
  ] as const;
  for (const [target, body] of targets) {
    expect([target, (await s3.send({ method: "GET", target })).text]).toEqual([target, body]);
  }
});

test("PutObject: an overwrite replaces body and metadata as a whole", async () => {
  await objects.put("over", seededBytes(200_000, 1), { "x-amz-meta-old": "1", "content-type": "text/plain" });
  await objects.put("over", "short", { "x-amz-meta-new": "2" });
  const got = await objects.get("over");
  expect(got.text).toBe("short");
  expect(got.headers["x-amz-meta-new"]).toBe("2");
  expect(got.headers["x-amz-meta-old"]).toBeUndefined();
  expect(got.headers["content-type"]).toBe("binary/octet-stream");
});

test("DeleteObject: answers 204 for a present and an absent key, and the object is gone", async () => {
  await objects.put("gone", "x");
  expect((await objects.delete("gone")).status).toBe(204);
  expect((await objects.delete("gone")).status).toBe(204);
  const got = await objects.get("gone");
  expect([got.status, got.code]).toEqual([404, "NoSuchKey"]);
  expect(got.text).toContain("<Key>gone</Key>");
  const head = await objects.head("gone");
  expect([head.status, head.body.length]).toEqual([404, 0]);
});

test("DeleteObject: a folder marker goes alone, what is below it stays", async () => {
  await objects.put("folder/", "");
  await objects.put("folder/child", "child");
  await objects.delete("folder/");
  expect((await objects.get("folder/child")).text).toBe("child");
});

const plainHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-encoding": "gzip",
  "content-disposition": 'attachment; filename="a.txt"',
  "content-language": "de-CH",
  "cache-control": "max-age=60, private",
  expires: "Thu, 01 Dec 2094 16:00:00 GMT",
  "x-amz-meta-plain": "value with  two spaces",
  "x-amz-meta-empty": "",
  "x-amz-storage-class": "STANDARD_IA",
  "x-amz-website-redirect-location": "/other",
};

test("GetObject: the headers of the allow-list come back, and no other header of the request does", async () => {
  const body = seededBytes(1000, 3);
  await objects.put("headers", body, {
    ...plainHeaders,
    "x-custom": "no",
    "accept-language": "xx",
    cookie: "secret",
  });
  for (const response of [await objects.get("headers"), await objects.head("headers")]) {
    for (const [name, value] of Object.entries(plainHeaders)) {
      if (value !== "") expect([name, response.headers[name]]).toEqual([name, value]);
    }
    for (const name of ["x-custom", "accept-language", "cookie", "authorization"])
      expect(response.headers[name]).toBeUndefined();
  }
});

test("GetObject: user metadata comes back as the very bytes that came, names in lower case", async () => {
  const utf8 = Buffer.from("gr\u00fc\u00dfe \ud83d\ude80").toString("latin1");
  const headers = { "x-amz-meta-Mixed-Case": "A", "x-amz-meta-utf8": utf8, "x-amz-meta-latin": "caf\u00e9" };
  const request = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  expect((await objects.put("meta", "x", request)).status).toBe(200);
  for (const response of [await objects.get("meta"), await objects.head("meta")]) {
    expect(response.headers["x-amz-meta-mixed-case"]).toBe("A");
    expect(response.headers["x-amz-meta-utf8"]).toBe(utf8);
    expect(response.headers["x-amz-meta-latin"]).toBe("caf\u00e9");
  }
});

test("PutObject: 2 KiB of metadata are taken, one byte more is MetadataTooLarge and nothing is stored", async () => {
  const fits = "v".repeat(2048 - "name".length);
  expect((await objects.put("meta-fits", "x", { "x-amz-meta-name": fits })).status).toBe(200);
  const refused = await objects.put("meta-too-large", "x", { "x-amz-meta-name": `${fits}v` });
  expect([refused.status, refused.code]).toEqual([400, "MetadataTooLarge"]);
  expect((await objects.head("meta-too-large")).status).toBe(404);
});

test("PutObject: aws-chunked is cut out of Content-Encoding, another encoding stays", async () => {
  for (const [given, stored] of [
    ["aws-chunked,gzip", "gzip"],
    ["aws-chunked", undefined],
  ] as const) {
    const headers = { "content-encoding": given, "x-amz-decoded-content-length": "1" };
    const body = { body: "1\r\nx\r\n0\r\n\r\n", payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER" };
    expect((await objects.send("encoding", { method: "PUT", headers, ...body })).status).toBe(200);
    const got = await objects.get("encoding");
    expect([got.headers["content-encoding"], got.text]).toEqual([stored, "x"]);
  }
});

test("GetObject: response-* parameters replace headers for signed callers and are refused for others", async () => {
  await objects.put("response", "x", { "content-type": "text/plain" });
  const query = "response-content-type=image%2Fpng&response-cache-control=no-store&response-content-disposition=inline";
  const got = await objects.get("response", {}, query);
  expect(got.headers["content-type"]).toBe("image/png");
  expect(got.headers["cache-control"]).toBe("no-store");
  expect(got.headers["content-disposition"]).toBe("inline");
  const broken = await objects.get("response", {}, "response-content-type=a%0D%0Ax-evil:%201");
  expect(broken.headers["x-evil"]).toBeUndefined();
});

test("every answer: request id, host id, Last-Modified in whole seconds, encryption and Server that imitates nobody", async () => {
  const put = await objects.put("ids", "x");
  const got = await objects.get("ids");
  for (const response of [put, got, await objects.delete("none"), await objects.head("none")]) expectIds(response);
  expect(got.headers["x-amz-server-side-encryption"]).toBe("AES256");
  expect(put.headers["x-amz-server-side-encryption"]).toBe("AES256");
  expect(got.headers["accept-ranges"]).toBe("bytes");
  expect(got.headers["last-modified"]).toMatch(
    /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  );
  expect(got.headers["server"] ?? "").not.toMatch(/amazon|minio|ceph|aws/i);
  expect(got.headers["x-amz-version-id"]).toBeUndefined();
  expect((await objects.get("ids", {}, "versionId=null")).status).toBe(200);
  const listing = await objects.list("prefix=ids");
  expect(Date.parse(readXmlTexts(listing.text, "LastModified")[0] ?? "")).toBe(
    Date.parse(got.headers["last-modified"] ?? ""),
  );
});

function expectIds(response: S3Response): void {
  expect(response.headers["x-amz-request-id"]).toMatch(/^[0-9A-F]{16}$/);
  expect(response.headers["x-amz-id-2"]?.length ?? 0).toBeGreaterThan(0);
}
