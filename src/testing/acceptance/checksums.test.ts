import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { checksumCases } from "./checksum-digest.ts";
import { clientOf } from "./s3-client.ts";
import { md5Base64, seededBytes } from "./test-data.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("checksums");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const bodies = [
  ["empty", Buffer.alloc(0)],
  ["inline", seededBytes(5000, 1)],
  ["large", seededBytes(1_500_001, 2)],
] as const;

for (const { name, header, digest } of checksumCases) {
  for (const [label, body] of bodies) {
    test(`PutObject: ${name} of the ${label} body is verified, stored and read back with checksum mode`, async () => {
      const key = `${name}-${label}`;
      const put = await bucket.put(key, body, { [header]: digest(body) });
      expect([put.status, put.code, put.headers[header]]).toEqual([200, "", digest(body)]);
      expect(put.headers["x-amz-checksum-type"]).toBe("FULL_OBJECT");
      for (const response of [
        await bucket.get(key, { "x-amz-checksum-mode": "enabled" }),
        await bucket.head(key, { "x-amz-checksum-mode": "ENABLED" }),
      ]) {
        expect([response.headers[header], response.headers["x-amz-checksum-type"]]).toEqual([
          digest(body),
          "FULL_OBJECT",
        ]);
      }
      expect((await bucket.head(key)).headers[header]).toBeUndefined();
    });
  }

  test(`PutObject: a wrong ${name} is BadDigest and nothing is stored`, async () => {
    for (const [label, body] of bodies) {
      const wrong = digest(Buffer.concat([body, Buffer.from("!")]));
      const put = await bucket.put(`wrong-${name}-${label}`, body, { [header]: wrong });
      expect([put.status, put.code]).toEqual([400, "BadDigest"]);
      expect((await bucket.head(`wrong-${name}-${label}`)).status).toBe(404);
    }
  });

  test(`PutObject: ${name} that is no base64 of its length is InvalidRequest`, async () => {
    for (const value of ["AAAA", "not base64!", digest(Buffer.alloc(0)).slice(4)]) {
      const put = await bucket.put(`bad-${name}`, "x", { [header]: value });
      expect([value, put.status, put.code]).toEqual([value, 400, "InvalidRequest"]);
    }
    expect((await bucket.head(`bad-${name}`)).status).toBe(404);
  });
}

test("PutObject: two checksums at once are InvalidRequest", async () => {
  const [first, second] = checksumCases;
  const body = Buffer.from("two");
  const headers = Object.fromEntries([first, second].flatMap((one) => (one ? [[one.header, one.digest(body)]] : [])));
  const put = await bucket.put("two", body, headers);
  expect([put.status, put.code]).toEqual([400, "InvalidRequest"]);
});

test("PutObject: without a checksum a CRC64NVME is stored", async () => {
  const body = seededBytes(70_000, 9);
  await bucket.put("default", body);
  const head = await bucket.head("default", { "x-amz-checksum-mode": "ENABLED" });
  const expected = checksumCases.find(({ name }) => name === "CRC64NVME")?.digest(body) ?? "";
  expect(head.headers["x-amz-checksum-crc64nvme"]).toBe(expected);
});

test("GetObject: a checksum comes with the whole object, not with a range", async () => {
  await bucket.put("ranged", seededBytes(1000, 4));
  const got = await bucket.get("ranged", { "x-amz-checksum-mode": "ENABLED", range: "bytes=1-9" });
  expect(got.status).toBe(206);
  expect(Object.keys(got.headers).filter((name) => name.startsWith("x-amz-checksum-"))).toEqual([]);
});

test("PutObject: Content-MD5 is verified, a value that is none is InvalidDigest", async () => {
  const body = Buffer.from("content");
  expect((await bucket.put("md5", body, { "content-md5": md5Base64(body) })).status).toBe(200);
  const different = await bucket.put("md5", "other", { "content-md5": md5Base64(body) });
  expect([different.status, different.code]).toEqual([400, "BadDigest"]);
  for (const value of ["short", "AAAA", `${md5Base64(body)}AA==`]) {
    const invalid = await bucket.put("md5", "other", { "content-md5": value });
    expect([value, invalid.status, invalid.code]).toEqual([value, 400, "InvalidDigest"]);
  }
  expect((await bucket.get("md5")).text).toBe("content");
});

test("ListObjectsV2: entries name the algorithm and type of their checksum", async () => {
  const listing = await bucket.list("list-type=2&prefix=SHA256-inline");
  expect(listing.text).toContain("<ChecksumAlgorithm>SHA256</ChecksumAlgorithm>");
  expect(listing.text).toContain("<ChecksumType>FULL_OBJECT</ChecksumType>");
});
