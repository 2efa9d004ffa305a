import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { startServer } from "../server-process.ts";
import { type ChecksumCase, checksumCases } from "./checksum-digest.ts";
import { createUpload, minPartBytes } from "./multipart-upload.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("multipart-checksums");
const bodies = [seededBytes(minPartBytes, 1), seededBytes(minPartBytes, 2), seededBytes(100_001, 3)];
afterAll(async () => {
  s3.close();
  await server.remove();
});

for (const name of ["CRC32", "CRC32C", "CRC64NVME"]) {
  test(`CompleteMultipartUpload: FULL_OBJECT ${name} equals the digest of all bytes`, async () => {
    const { header, digest } = caseOf(name);
    const key = `full-${name}`;
    const whole = digest(Buffer.concat(bodies));
    const upload = await createUpload(bucket, key, {
      "x-amz-checksum-algorithm": name,
      "x-amz-checksum-type": "FULL_OBJECT",
    });
    const parts = await Promise.all(
      bodies.map((body, index) => upload.put(index + 1, body, { [header]: digest(body) })),
    );
    const listed = parts.map(({ headers }, index) => ({ number: index + 1, etag: headers["etag"] ?? "" }));
    const wrong = await upload.complete(listed, {
      [header]: digest(Buffer.from("wrong")),
      "x-amz-checksum-type": "FULL_OBJECT",
    });
    expect([wrong.status, wrong.code]).toEqual([400, "BadDigest"]);
    expect((await upload.complete(listed, { [header]: whole, "x-amz-checksum-type": "FULL_OBJECT" })).status).toBe(200);
    const head = await bucket.head(key, { "x-amz-checksum-mode": "ENABLED" });
    expect([head.headers[header], head.headers["x-amz-checksum-type"]]).toEqual([whole, "FULL_OBJECT"]);
  });
}

for (const name of ["CRC32", "CRC32C", "SHA1", "SHA256"]) {
  test(`CompleteMultipartUpload: COMPOSITE ${name} is the digest of the parts' digests with their count`, async () => {
    const { header, digest } = caseOf(name);
    const key = `composite-${name}`;
    const upload = await createUpload(bucket, key, { "x-amz-checksum-algorithm": name });
    const parts = await Promise.all(
      bodies.map((body, index) => upload.put(index + 1, body, { [header]: digest(body) })),
    );
    const tag = `Checksum${name}`;
    const listed = parts.map(({ headers }, index) => ({
      number: index + 1,
      etag: headers["etag"] ?? "",
      extra: `<${tag}>${headers[header] ?? ""}</${tag}>`,
    }));
    const missing = await upload.complete(listed.map(({ number, etag }) => ({ number, etag })));
    expect([missing.status, missing.code]).toEqual([400, "InvalidRequest"]);
    const wrong = listed.map((part) => ({ ...part, extra: `<${tag}>${digest(Buffer.from("wrong"))}</${tag}>` }));
    const refused = await upload.complete(wrong);
    expect([refused.status, refused.code]).toEqual([400, "InvalidPart"]);
    expect((await upload.complete(listed)).status).toBe(200);
    const digests = bodies.map((body) => Buffer.from(digest(body), "base64"));
    const head = await bucket.head(key, { "x-amz-checksum-mode": "ENABLED" });
    expect(head.headers[header]).toBe(`${digest(Buffer.concat(digests))}-3`);
    expect(head.headers["x-amz-checksum-type"]).toBe("COMPOSITE");
  });
}

test("UploadPart: a wrong checksum is BadDigest, another algorithm than the upload's InvalidRequest", async () => {
  const upload = await createUpload(bucket, "wrong", { "x-amz-checksum-algorithm": "SHA256" });
  const wrong = await upload.put(1, "body", {
    "x-amz-checksum-sha256": createHash("sha256").update("x").digest("base64"),
  });
  expect([wrong.status, wrong.code]).toEqual([400, "BadDigest"]);
  const otherAlgorithm = await upload.put(1, "body", {
    "x-amz-checksum-crc32": caseOf("CRC32").digest(Buffer.from("body")),
  });
  expect([otherAlgorithm.status, otherAlgorithm.code]).toEqual([400, "InvalidRequest"]);
  expect((await upload.list()).text).not.toContain("<Part>");
});

test("CreateMultipartUpload: an impossible pair of algorithm and type, or a type alone, is InvalidRequest", async () => {
  const pairs: Record<string, string>[] = [
    { "x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "COMPOSITE" },
    { "x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT" },
    { "x-amz-checksum-type": "FULL_OBJECT" },
    { "x-amz-checksum-algorithm": "CRC99" },
  ];
  for (const headers of pairs) {
    const answer = await bucket.send("pair", { method: "POST", query: "uploads", headers });
    expect([headers, answer.status, answer.code]).toEqual([headers, 400, "InvalidRequest"]);
  }
});

test("CreateMultipartUpload: without an algorithm the object ends with a CRC64NVME of all bytes", async () => {
  const upload = await createUpload(bucket, "none");
  const parts = await Promise.all(bodies.map((body, index) => upload.put(index + 1, body)));
  const answer = await upload.complete(
    parts.map(({ headers }, index) => ({ number: index + 1, etag: headers["etag"] ?? "" })),
  );
  expect(answer.status).toBe(200);
  const head = await bucket.head("none", { "x-amz-checksum-mode": "ENABLED" });
  const { header, digest } = caseOf("CRC64NVME");
  expect(head.headers[header]).toBe(digest(Buffer.concat(bodies)));
});

function caseOf(name: string): ChecksumCase {
  const found = checksumCases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`No checksum ${name}`);
  return found;
}
