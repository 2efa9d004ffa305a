import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Mutation } from "#kernel/protocol/mutation.ts";
import {
  createUpload,
  type ListedPart,
  MultipartUpload,
  minPartBytes,
  renderParts,
} from "#testing/acceptance/multipart-upload.ts";
import { readXmlText } from "#testing/acceptance/xml-text.ts";
import { customerKeyHeaders } from "#testing/customer-key.ts";
import { startPoolServer } from "#testing/pool-server.ts";
import type { BucketWriter } from "../catalog/sqlite-catalog/bucket-writer.ts";
import type { UploadMeta } from "../object-meta.ts";

const manyParts = 10_000;
const manyUploadId = "many-parts";
const zeroCrc = "AAAAAAAAAAA=";
const server = await startPoolServer({
  buckets: { plain: "never", versioned: "enabled" },
  settings: { "s3.allow_sse_c_http": true },
  prepare: addManyParts,
});
const plain = server.bucket("plain");
const versioned = server.bucket("versioned");
const large = new Uint8Array(minPartBytes).fill(65);
afterAll(() => server.remove());

/** An upload whose parts have rows but no files: completing must not touch bytes. */
function addManyParts(writer: BucketWriter): void {
  const base = { bucketId: writer.bucketId, key: "many", requestId: "TEST", principal: "test", uploadId: manyUploadId };
  const meta: UploadMeta = {
    headers: {},
    user: [],
    storageClass: "STANDARD",
    key: { version: 1, sealed: "" },
    attributes: null,
    checksumAlgorithm: null,
    checksumType: null,
    initiator: { id: "", displayName: "" },
  };
  const mutations: Mutation[] = [{ ...base, kind: "createUpload", meta: JSON.stringify(meta) }];
  for (let partNumber = 1; partNumber <= manyParts; partNumber++) {
    const blob = { blobId: partNumber.toString(16).padStart(32, "0"), sizeBytes: minPartBytes };
    mutations.push({
      ...base,
      kind: "putPart",
      partNumber,
      blob,
      etag: md5Hex(`${partNumber}`),
      checksum: `CRC64NVME:${zeroCrc}`,
    });
  }
  writer.commit(mutations.map((mutation) => ({ mutation, bytes: new Uint8Array() })));
}

test("completeMultipartUpload: an upload of 10,000 parts becomes one object", async () => {
  const parts: ListedPart[] = [];
  for (let number = 1; number <= manyParts; number++) parts.push({ number, etag: `"${md5Hex(`${number}`)}"` });
  const upload = new MultipartUpload(plain, "many", manyUploadId);
  const body = renderParts(parts);
  const answer = await upload.completeWith(body);
  expect([answer.status, answer.code]).toEqual([200, ""]);
  const digests = Buffer.concat(parts.map(({ number }) => createHash("md5").update(`${number}`).digest()));
  expect(readXmlText(answer.text, "ETag")).toBe(`"${createHash("md5").update(digests).digest("hex")}-${manyParts}"`);
  expect((await plain.head("many")).headers["content-length"]).toBe(String(manyParts * minPartBytes));
});

test("completeMultipartUpload: repeated it answers the very same, even when the object is gone", async () => {
  const upload = await createUpload(versioned, "repeated", { "x-amz-checksum-algorithm": "SHA256" });
  const put = await upload.put(4, "body");
  const parts = [
    {
      number: 4,
      etag: put.headers["etag"] ?? "",
      extra: `<ChecksumSHA256>${put.headers["x-amz-checksum-sha256"]}</ChecksumSHA256>`,
    },
  ];
  const first = await upload.complete(parts);
  expect(first.status).toBe(200);
  await versioned.delete("repeated", {}, `versionId=${first.headers["x-amz-version-id"]}`);
  const second = await upload.complete(parts, { "if-none-match": "*" });
  expect([second.status, second.text]).toEqual([200, first.text]);
  expect(second.headers["x-amz-version-id"]).toBe(first.headers["x-amz-version-id"]);
  expect((await versioned.head("repeated")).status).toBe(404);
  const other = await upload.complete([...parts, { number: 5, etag: put.headers["etag"] ?? "" }]);
  expect([other.status, other.code]).toEqual([404, "NoSuchUpload"]);
  expect((await upload.put(6, "late")).code).toBe("NoSuchUpload");
});

test("completeMultipartUpload: a repeated one is compared with what it expects, as the first was", async () => {
  const upload = await createUpload(plain, "expecting", { "x-amz-checksum-algorithm": "CRC64NVME" });
  const put = await upload.put(1, "body");
  const parts = [{ number: 1, etag: put.headers["etag"] ?? "" }];
  const value = put.headers["x-amz-checksum-crc64nvme"] ?? "";
  const right = {
    "x-amz-checksum-crc64nvme": value,
    "x-amz-mp-object-size": "4",
    "x-amz-checksum-type": "FULL_OBJECT",
  };
  expect((await upload.complete(parts)).status).toBe(200);
  expect((await upload.complete(parts, right)).status).toBe(200);
  for (const [headers, code] of [
    [{ "x-amz-checksum-crc64nvme": "AAAAAAAAAAA=" }, "BadDigest"],
    [{ "x-amz-checksum-crc32": "AAAAAA==" }, "InvalidRequest"],
    [{ "x-amz-checksum-type": "COMPOSITE" }, "InvalidRequest"],
    [{ "x-amz-mp-object-size": "5" }, "InvalidRequest"],
  ] as const) {
    const answer = await upload.complete(parts, headers);
    expect(answer.code).toBe(code);
  }
});

test("completeMultipartUpload: a repeated one is held to conditions that the first did not come with", async () => {
  const complete = async (key: string, first: Record<string, string>, then: Record<string, string>) => {
    const upload = await createUpload(plain, key);
    const parts = [{ number: 1, etag: (await upload.put(1, key)).headers["etag"] ?? "" }];
    const made = await upload.complete(parts, first);
    const again = await upload.complete(parts, then);
    return [made.status, again.status, again.code, made.text === again.text];
  };
  const isNew = { "if-none-match": "*" };
  expect(await complete("held", isNew, isNew)).toEqual([200, 200, "", true]);
  expect(await complete("held", {}, isNew)).toEqual([200, 412, "PreconditionFailed", false]);
  const was = { "if-match": (await plain.head("held")).headers["etag"] ?? "" };
  expect(await complete("held", was, was)).toEqual([200, 200, "", true]);
  expect(await complete("held", was, {})).toEqual([200, 200, "", true]);
  expect(await complete("held-2", {}, was)).toEqual([200, 412, "PreconditionFailed", false]);
});

test("completeMultipartUpload: equal completions at the same time all get the answer of one", async () => {
  const upload = await createUpload(versioned, "at-once");
  const etag = (await upload.put(1, "x")).headers["etag"] ?? "";
  const answers = await Promise.all(Array.from({ length: 8 }, () => upload.complete([{ number: 1, etag }])));
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(answers[0]?.status).toBe(200);
  const listed = await versioned.list("versions&prefix=at-once");
  expect(listed.text.split("<Version>").length).toBe(2);
});

test("completeMultipartUpload: against a racing abort one wins, the other finds no upload", async () => {
  for (let round = 0; round < 30; round++) {
    const upload = await createUpload(plain, `race-${round}`);
    const etag = (await upload.put(1, "x")).headers["etag"] ?? "";
    const [completed, aborted] = await Promise.all([upload.complete([{ number: 1, etag }]), upload.abort()]);
    const loser = completed.status === 200 ? aborted : completed;
    expect([[completed.status, aborted.status].toSorted(), loser.code]).toEqual([
      completed.status === 200 ? [200, 404] : [204, 404],
      "NoSuchUpload",
    ]);
  }
});

test("completeMultipartUpload: without an algorithm parts may carry any, and the object is CRC64NVME", async () => {
  const upload = await createUpload(plain, "any");
  const first = await upload.put(1, large, { "x-amz-checksum-crc32": crc32Base64(large) });
  const second = await upload.put(2, "tail", {
    "x-amz-checksum-sha1": createHash("sha1").update("tail").digest("base64"),
  });
  expect([first.status, first.headers["x-amz-checksum-crc32"]]).toEqual([200, crc32Base64(large)]);
  expect((await upload.list()).text).toContain(`<ChecksumCRC32>${crc32Base64(large)}</ChecksumCRC32>`);
  const part = (checksum: string) => [
    { number: 1, etag: first.headers["etag"] ?? "", extra: `<ChecksumCRC32>${checksum}</ChecksumCRC32>` },
    { number: 2, etag: second.headers["etag"] ?? "" },
  ];
  expect((await upload.complete(part("AAAAAA=="))).code).toBe("InvalidPart");
  const answer = await upload.complete(part(crc32Base64(large)));
  const whole = await plain.put("whole", Buffer.concat([large, Buffer.from("tail")]));
  expect(readXmlText(answer.text, "ChecksumCRC64NVME")).toBe(whole.headers["x-amz-checksum-crc64nvme"]);
  const got = await plain.get("any", { "x-amz-checksum-mode": "ENABLED" }, "partNumber=2");
  const tail = await plain.put("tail", "tail");
  expect([got.text, got.headers["x-amz-checksum-crc64nvme"]]).toEqual([
    "tail",
    tail.headers["x-amz-checksum-crc64nvme"],
  ]);
});

test("completeMultipartUpload: size, checksum type, algorithm and count must agree with the parts", async () => {
  const upload = await createUpload(plain, "agree", { "x-amz-checksum-algorithm": "CRC32" });
  const put = await upload.put(1, "body");
  const checksum = put.headers["x-amz-checksum-crc32"] ?? "";
  const parts = [{ number: 1, etag: put.headers["etag"] ?? "", extra: `<ChecksumCRC32>${checksum}</ChecksumCRC32>` }];
  const composite = createCrc32OfDigests([checksum]);
  const cases: [Record<string, string>, string][] = [
    [{ "x-amz-mp-object-size": "5" }, "InvalidRequest"],
    [{ "x-amz-mp-object-size": "many" }, "InvalidRequest"],
    [{ "x-amz-checksum-type": "FULL_OBJECT" }, "InvalidRequest"],
    [{ "x-amz-checksum-type": "PART" }, "InvalidRequest"],
    [{ "x-amz-checksum-crc32c": checksum }, "InvalidRequest"],
    [{ "x-amz-checksum-crc32": checksum }, "BadDigest"],
    [{ "x-amz-checksum-crc32": `${composite}-2` }, "BadDigest"],
  ];
  for (const [headers, code] of cases)
    expect([headers, (await upload.complete(parts, headers)).code]).toEqual([headers, code]);
  const answer = await upload.complete(parts, {
    "x-amz-mp-object-size": "4",
    "x-amz-checksum-type": "COMPOSITE",
    "x-amz-checksum-crc32": `${composite}-1`,
  });
  expect([answer.status, readXmlText(answer.text, "ChecksumCRC32"), readXmlText(answer.text, "ChecksumType")]).toEqual([
    200,
    `${composite}-1`,
    "COMPOSITE",
  ]);
});

test("completeMultipartUpload: under SSE-C parts need the upload's key and no digest of the plaintext leaks", async () => {
  const upload = await createUpload(plain, "secret", customerKeyHeaders(1));
  expect((await upload.put(1, "body")).code).toBe("InvalidRequest");
  expect((await upload.put(1, "body", customerKeyHeaders(2))).code).toBe("AccessDenied");
  const put = await upload.put(1, "body", customerKeyHeaders(1));
  const etag = put.headers["etag"] ?? "";
  expect([put.status, etag === `"${md5Hex("body")}"`]).toEqual([200, false]);
  expect((await upload.complete([{ number: 1, etag }], customerKeyHeaders(2))).code).toBe("AccessDenied");
  const answer = await upload.complete([{ number: 1, etag }]);
  expect([answer.status, answer.headers["x-amz-server-side-encryption-customer-algorithm"]]).toEqual([200, "AES256"]);
  expect((await plain.get("secret", customerKeyHeaders(1))).text).toBe("body");
  expect((await plain.get("secret")).code).toBe("InvalidRequest");
});

test("completeMultipartUpload: the object is what the upload fixed, and Location is the URL that was used", async () => {
  const headers = {
    "x-amz-meta-a": "1",
    "content-type": "text/plain",
    "x-amz-tagging": "t=1",
    "x-amz-storage-class": "STANDARD_IA",
  };
  const upload = await createUpload(plain, "a key/ü", headers);
  const etag = (await upload.put(1, "x")).headers["etag"] ?? "";
  const answer = await upload.complete([{ number: 1, etag }], { "x-amz-meta-b": "2" });
  expect(readXmlText(answer.text, "Location")).toBe(`http://127.0.0.1:${server.s3.port}/plain/a%20key/%C3%BC`);
  const head = await plain.head("a key/ü");
  const names = ["x-amz-meta-a", "x-amz-meta-b", "content-type", "x-amz-tagging-count", "x-amz-storage-class"];
  expect(names.map((name) => head.headers[name] ?? "none")).toEqual(["1", "none", "text/plain", "1", "STANDARD_IA"]);
});

function crc32Base64(body: Uint8Array): string {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(body));
  return digest.toString("base64");
}

function createCrc32OfDigests(digests: readonly string[]): string {
  return crc32Base64(Buffer.concat(digests.map((digest) => Buffer.from(digest, "base64"))));
}

function md5Hex(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
