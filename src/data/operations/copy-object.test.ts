import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createUpload, minPartBytes } from "#testing/acceptance/multipart-upload.ts";
import { seededBytes } from "#testing/acceptance/test-data.ts";
import { readXmlText } from "#testing/acceptance/xml-text.ts";
import { customerKeyHeaders } from "#testing/customer-key.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const from = (source: string, headers: Record<string, string> = {}) => ({ "x-amz-copy-source": source, ...headers });
const onlySource = [
  { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::plain/*"] },
  { actions: ["s3:*"], resources: ["arn:aws:s3:::other/*"] },
];
const server = await startPoolServer({
  buckets: { plain: "never", other: "never", versioned: "enabled", suspended: "suspended" },
  keys: {
    AKIAREADER: onlySource,
    AKIALISTER: [...onlySource, { actions: ["s3:ListBucket"], resources: ["arn:aws:s3:::plain"] }],
  },
  settings: { "s3.allow_sse_c_http": true },
});
const plain = server.bucket("plain");
const other = server.bucket("other");
const versioned = server.bucket("versioned");
const small = seededBytes(900, 1);
const large = seededBytes(400_000, 2);
afterAll(() => server.remove());

test("copyObject: SSE-C may begin, end and change; the ETag tells a digest only where there is none to hide", async () => {
  for (const body of [small, large]) {
    const md5 = `"${createHash("md5").update(body).digest("hex")}"`;
    await plain.put("open", body);
    const sealed = await plain.put("sealed", "", from("plain/open", customerKeyHeaders(1)));
    expect([sealed.status, readXmlText(sealed.text, "ETag") === md5]).toEqual([200, false]);
    const moved = await other.put(
      "resealed",
      "",
      from("plain/sealed", { ...customerKeyHeaders(1, "source"), ...customerKeyHeaders(2) }),
    );
    expect([moved.status, readXmlText(moved.text, "ETag") === md5]).toEqual([200, false]);
    expect((await other.get("resealed", customerKeyHeaders(2))).body.equals(body)).toBe(true);
    const reopened = await plain.put("reopened", "", from("other/resealed", customerKeyHeaders(2, "source")));
    expect([reopened.status, readXmlText(reopened.text, "ETag")]).toEqual([200, md5]);
    expect((await plain.get("reopened")).body.equals(body)).toBe(true);
    expect((await plain.put("x", "", from("plain/sealed"))).code).toBe("InvalidRequest");
    expect((await plain.put("x", "", from("plain/sealed", customerKeyHeaders(3, "source")))).code).toBe("AccessDenied");
  }
});

test("copyObject: what is sent to verify a body that a copy has not is verified", async () => {
  await plain.put("source", "bytes");
  const copy = (change: object) =>
    plain.send("target", { method: "PUT", headers: from("plain/source"), body: "ignored", ...change });
  expect((await copy({})).status).toBe(200);
  await plain.delete("target");
  for (const [change, code] of [
    [{ payloadHash: "0".repeat(64) }, "XAmzContentSHA256Mismatch"],
    [{ payloadHash: "0".repeat(64), body: "" }, "XAmzContentSHA256Mismatch"],
    [{ headers: from("plain/source", { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" }) }, "BadDigest"],
    [{ headers: from("plain/source", { "x-amz-checksum-crc32": "AAAAAA==" }) }, "BadDigest"],
    [{ body: new Uint8Array(65_537) }, "MaxMessageLengthExceeded"],
  ] as const) {
    const answer = await copy(change);
    expect([answer.status, answer.code]).toEqual([400, code]);
  }
  expect((await plain.head("target")).status).toBe(404);
  expect((await copy({ body: new Uint8Array(65_536) })).status).toBe(200);
  const upload = await createUpload(plain, "parted");
  const query = `partNumber=1&uploadId=${upload.uploadId}`;
  const headers = from("plain/source");
  const part = (payloadHash: string) => plain.send("parted", { method: "PUT", query, headers, payloadHash });
  expect((await part("0".repeat(64))).code).toBe("XAmzContentSHA256Mismatch");
  expect((await part("UNSIGNED-PAYLOAD")).status).toBe(200);
});

test("putObject, copyObject: what is said to a key service is refused, there is none", async () => {
  await plain.put("source", "bytes");
  for (const [name, value] of [
    ["context", "e30="],
    ["bucket-key-enabled", "true"],
    ["aws-kms-key-id", "some-key"],
  ]) {
    const headers = { [`x-amz-server-side-encryption-${name}`]: value ?? "" };
    for (const method of [{}, { "x-amz-server-side-encryption": "AES256" }]) {
      expect((await plain.put("refused", "x", { ...headers, ...method })).code).toBe("InvalidArgument");
      expect((await plain.put("refused", "", from("plain/source", { ...headers, ...method }))).code).toBe(
        "InvalidArgument",
      );
    }
  }
  expect((await plain.head("refused")).status).toBe(404);
  expect((await plain.put("taken", "x", { "x-amz-server-side-encryption-bucket-key-enabled": "false" })).status).toBe(
    200,
  );
});

test("copyObject: another checksum is computed, the source's own is kept", async () => {
  await plain.put("summed", large, { "x-amz-checksum-sha1": createHash("sha1").update(large).digest("base64") });
  const kept = await other.put("kept", "", from("plain/summed"));
  expect(readXmlText(kept.text, "ChecksumSHA1")).toBe(createHash("sha1").update(large).digest("base64"));
  const asked = await other.put("asked", "", from("plain/summed", { "x-amz-checksum-algorithm": "SHA256" }));
  const sha256 = createHash("sha256").update(large).digest("base64");
  expect([readXmlText(asked.text, "ChecksumSHA256"), readXmlText(asked.text, "ChecksumType")]).toEqual([
    sha256,
    "FULL_OBJECT",
  ]);
  expect((await other.head("asked", { "x-amz-checksum-mode": "ENABLED" })).headers["x-amz-checksum-sha256"]).toBe(
    sha256,
  );
  expect((await other.put("asked", "", from("plain/summed", { "x-amz-checksum-algorithm": "NONE" }))).code).toBe(
    "InvalidRequest",
  );
});

test("copyObject: tags come along or are replaced, redirect and storage class never come along", async () => {
  await plain.put("tagged", "x", {
    "x-amz-tagging": "a=1&b=2",
    "x-amz-website-redirect-location": "/there",
    "x-amz-storage-class": "STANDARD_IA",
  });
  await plain.put("with-tags", "", from("plain/tagged", { "x-amz-tagging": "c=3" }));
  const copied = (await plain.head("with-tags")).headers;
  const names = ["x-amz-tagging-count", "x-amz-website-redirect-location", "x-amz-storage-class"];
  expect(names.map((name) => copied[name] ?? "none")).toEqual(["2", "none", "none"]);
  const wishes = {
    "x-amz-tagging-directive": "REPLACE",
    "x-amz-tagging": "c=3",
    "x-amz-website-redirect-location": "/here",
    "x-amz-storage-class": "GLACIER_IR",
  };
  await plain.put("new-tags", "", from("plain/tagged", wishes));
  const replaced = (await plain.head("new-tags")).headers;
  expect(names.map((name) => replaced[name] ?? "none")).toEqual(["1", "/here", "GLACIER_IR"]);
  expect((await plain.put("x", "", from("plain/tagged", { "x-amz-tagging-directive": "replace" }))).code).toBe(
    "InvalidArgument",
  );
  expect((await plain.put("x", "", from("plain/tagged", { "x-amz-storage-class": "DEEP" }))).code).toBe(
    "InvalidStorageClass",
  );
});

test("copyObject: tags that come along need the right to read them, absence is told only to who may list", async () => {
  await plain.put("untagged", "x");
  await plain.put("tags", "x", { "x-amz-tagging": "a=1" });
  const reader = server.bucket("other", "AKIAREADER");
  expect((await reader.put("a", "", from("plain/untagged"))).status).toBe(200);
  expect((await reader.put("a", "", from("plain/tags"))).code).toBe("AccessDenied");
  expect((await reader.put("a", "", from("plain/tags", { "x-amz-tagging-directive": "REPLACE" }))).status).toBe(200);
  expect((await reader.put("a", "", from("plain/absent"))).code).toBe("AccessDenied");
  expect((await server.bucket("other", "AKIALISTER").put("a", "", from("plain/absent"))).code).toBe("NoSuchKey");
  expect((await reader.put("a", "", from("versioned/any"))).code).toBe("AccessDenied");
  expect((await reader.put("a", "", from("plain/untagged?versionId=null"))).code).toBe("AccessDenied");
  expect((await server.bucket("plain", "AKIAREADER").put("a", "", from("plain/untagged"))).code).toBe("AccessDenied");
  expect(
    (await plain.put("a", "", from("plain/untagged", { "x-amz-source-expected-bucket-owner": "999999999999" }))).code,
  ).toBe("AccessDenied");
  expect(
    (await plain.put("a", "", from("plain/untagged", { "x-amz-source-expected-bucket-owner": "123456789012" }))).status,
  ).toBe(200);
  const unsigned = await server.s3.send({
    method: "PUT",
    target: "/other/a",
    headers: from("plain/untagged"),
    credentials: null,
  });
  expect(unsigned.code).toBe("AccessDenied");
});

test("copyObject: source conditions fail with 412, also where a read would say 304", async () => {
  const put = await plain.put("conditions", "x");
  const etag = put.headers["etag"] ?? "";
  const later = new Date(Date.now() + 60_000).toUTCString();
  const cases: [string, string, number][] = [
    ["x-amz-copy-source-if-match", etag, 200],
    ["x-amz-copy-source-if-match", '"other"', 412],
    ["x-amz-copy-source-if-none-match", etag, 412],
    ["x-amz-copy-source-if-none-match", '"other"', 200],
    ["x-amz-copy-source-if-modified-since", "Mon, 01 Jan 2024 00:00:00 GMT", 200],
    ["x-amz-copy-source-if-modified-since", new Date().toUTCString(), 412],
    ["x-amz-copy-source-if-unmodified-since", "Mon, 01 Jan 2024 00:00:00 GMT", 412],
    ["x-amz-copy-source-if-unmodified-since", later, 200],
  ];
  for (const [name, value, status] of cases) {
    expect([
      name,
      value,
      (await other.put("conditional", "", from("plain/conditions", { [name]: value }))).status,
    ]).toEqual([name, value, status]);
  }
  expect((await other.put("conditional", "", from("plain/conditions", { "if-none-match": "*" }))).code).toBe(
    "PreconditionFailed",
  );
  expect((await other.put("absent", "", from("plain/conditions", { "if-match": etag }))).code).toBe("NoSuchKey");
});

test("copyObject: versions as sources, onto themselves, and markers", async () => {
  const first = (await versioned.put("v", "one")).headers["x-amz-version-id"] ?? "";
  await versioned.put("v", "two");
  expect((await versioned.put("v", "", from("versioned/v"))).code).toBe("InvalidRequest");
  const restored = await versioned.put("v", "", from(`versioned/v?versionId=${first}`));
  expect([
    restored.status,
    restored.headers["x-amz-copy-source-version-id"],
    restored.headers["x-amz-version-id"]?.length,
  ]).toEqual([200, first, 32]);
  expect((await versioned.get("v")).text).toBe("one");
  const marker = (await versioned.delete("v")).headers["x-amz-version-id"] ?? "";
  expect((await plain.put("x", "", from("versioned/v"))).code).toBe("NoSuchKey");
  expect((await plain.put("x", "", from(`versioned/v?versionId=${marker}`))).code).toBe("InvalidRequest");
  const suspended = await server.bucket("suspended").put("v", "", from(`versioned/v?versionId=${first}`));
  expect(suspended.headers["x-amz-version-id"]).toBe("null");
  const back = await plain.put("v", "", from("suspended/v"));
  expect([back.headers["x-amz-copy-source-version-id"], back.headers["x-amz-version-id"] ?? "none"]).toEqual([
    "null",
    "none",
  ]);
});

test("copyObject: onto itself with a change of class, redirect or encryption is a change", async () => {
  await plain.put("self", "x");
  for (const headers of [
    { "x-amz-storage-class": "STANDARD_IA" },
    { "x-amz-website-redirect-location": "/r" },
    { "x-amz-server-side-encryption": "AES256" },
    customerKeyHeaders(4),
  ]) {
    await plain.put("self", "x");
    expect([headers, (await plain.put("self", "", from("plain/self", headers))).status]).toEqual([headers, 200]);
  }
  await plain.put("self", "x");
  expect((await plain.put("self", "", from("plain/self?versionId=null"))).code).toBe("InvalidRequest");
});

test("copyObject: a multipart source under SSE-C keeps its parts", async () => {
  const upload = await createUpload(plain, "parts", customerKeyHeaders(5));
  const bodies = [seededBytes(minPartBytes, 1), small];
  const etags = await Promise.all(
    bodies.map(async (body, index) => (await upload.put(index + 1, body, customerKeyHeaders(5))).headers["etag"] ?? ""),
  );
  expect((await upload.complete(etags.map((etag, index) => ({ number: index + 1, etag })))).status).toBe(200);
  const copy = await other.put("parts", "", from("plain/parts", customerKeyHeaders(5, "source")));
  expect(readXmlText(copy.text, "ETag")).toMatch(/^"[0-9a-f]{32}-2"$/);
  const part = await other.get("parts", {}, "partNumber=2");
  expect([part.body.equals(small), part.headers["x-amz-mp-parts-count"]]).toEqual([true, "2"]);
});

test("copyObject: afterwards every row and byte of the folder is sound", async () => {
  expect(await server.stopAndCheck()).toEqual([]);
});
