import { afterAll, expect, test } from "bun:test";
import { createUpload } from "#testing/acceptance/multipart-upload.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({ buckets: { plain: "never" } });
const plain = server.bucket("plain");
afterAll(() => server.remove());

const wrong = [
  [{ payloadHash: "0".repeat(64) }, "XAmzContentSHA256Mismatch"],
  [{ payloadHash: "0".repeat(64), body: "unexpected" }, "XAmzContentSHA256Mismatch"],
  [{ headers: { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" }, body: "unexpected" }, "BadDigest"],
  [{ headers: { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" } }, "BadDigest"],
  [{ headers: { "x-amz-checksum-crc32": "AAAAAA==" }, body: "unexpected" }, "BadDigest"],
  [{ headers: { "x-amz-checksum-crc32": "AAAAAQ==" } }, "BadDigest"],
  [{ body: new Uint8Array(65_537) }, "MaxMessageLengthExceeded"],
] as const;

test("deleteObject, abortMultipartUpload: what is sent to verify a body that a delete has not is verified", async () => {
  await plain.put("k", "kept");
  const upload = await createUpload(plain, "parts");
  const query = `uploadId=${upload.uploadId}`;
  for (const [change, code] of wrong) {
    for (const answer of [
      await plain.send("k", { method: "DELETE", ...change }),
      await plain.send("parts", { method: "DELETE", query, ...change }),
      await plain.sendToBucket({ method: "DELETE", ...change }),
    ])
      expect([answer.status, answer.code]).toEqual([400, code]);
  }
  expect((await plain.get("k")).text).toBe("kept");
  expect((await upload.put(1, "still there")).status).toBe(200);
  for (const body of ["", "ignored"]) {
    expect((await plain.send("k", { method: "DELETE", body })).status).toBe(204);
    expect((await plain.head("k")).status).toBe(404);
  }
  expect((await plain.send("parts", { method: "DELETE", query, payloadHash: "UNSIGNED-PAYLOAD" })).status).toBe(204);
});
