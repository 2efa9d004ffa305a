import { afterAll, expect, test } from "bun:test";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({
  buckets: { bucket: "never" },
  keys: { AKIAREADER0000000000: [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::bucket/*"] }] },
});
const bucket = server.bucket("bucket");
afterAll(() => server.remove());

test("RequestHandler: every answer has a request id of its own", async () => {
  const ids = new Set<string>();
  for (let i = 0; i < 5; i++) ids.add((await bucket.get("none")).headers["x-amz-request-id"] ?? "");
  expect([ids.size, ids.has("")]).toEqual([5, false]);
});

test("RequestHandler: without a signature nobody learns whether a bucket or key is there", async () => {
  await bucket.put("there", "x");
  const ask = async (path: string) => (await server.s3.send({ method: "GET", target: path, credentials: null })).code;
  expect([await ask("/bucket/there"), await ask("/bucket/none"), await ask("/bucket")]).toEqual([
    "AccessDenied",
    "AccessDenied",
    "AccessDenied",
  ]);
});

test("RequestHandler: a key does what its grants say and nothing else", async () => {
  await bucket.put("there", "x");
  const reader = server.bucket("bucket", "AKIAREADER0000000000");
  expect((await reader.get("there")).text).toBe("x");
  const refused = [
    await reader.put("there", "y"),
    await reader.delete("there"),
    await reader.list(),
    await reader.get("there", {}, "versionId=null"),
  ];
  expect(refused.map(({ code }) => code)).toEqual(["AccessDenied", "AccessDenied", "AccessDenied", "AccessDenied"]);
  expect((await bucket.get("there")).text).toBe("x");
});

test("RequestHandler: a wrong secret is refused before anything else", async () => {
  const credentials = { accessKeyId: server.s3.credentials.accessKeyId, secretKey: "wrong" };
  const response = await server.s3.send({ method: "PUT", target: "/bucket/key", body: "x", credentials });
  expect([response.status, response.code]).toEqual([403, "SignatureDoesNotMatch"]);
  expect((await bucket.get("key")).code).toBe("NoSuchKey");
});

test("RequestHandler: a caller who expects another owner is refused", async () => {
  await bucket.put("there", "x");
  const ask = async (owner: string) => (await bucket.get("there", { "x-amz-expected-bucket-owner": owner })).status;
  expect([await ask("123456789012"), await ask("999999999999")]).toEqual([200, 403]);
});

test("RequestHandler: an error document is rendered for GET, not for HEAD, and the connection goes on", async () => {
  const get = await bucket.get("none");
  const head = await bucket.head("none");
  expect([get.status, get.code, get.text.includes("<Resource>/bucket/none</Resource>")]).toEqual([
    404,
    "NoSuchKey",
    true,
  ]);
  expect([head.status, head.body.length]).toEqual([404, 0]);
  expect([get.keepAlive, head.keepAlive]).toEqual([true, true]);
});

test("RequestHandler: an unread body closes the connection", async () => {
  const response = await server.s3.send({
    method: "PUT",
    target: "/bucket/key",
    body: Buffer.alloc(3_000_000),
    credentials: null,
  });
  expect([response.code, response.keepAlive]).toEqual(["AccessDenied", false]);
});
