import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";
import { signV2Query } from "./sign-v2.ts";
import { readXmlText } from "./xml-text.ts";

const server = await startServer({ env: { MAXIOFS_SERVER_S3_DOMAINS: "s3.example.com,example.com" } });
const s3 = clientOf(server);
await (await s3.createBucket("virtual")).put("dir/key", "virtual body");
await (await s3.createBucket("with.dots")).put("key", "dotted body");
await (await s3.createBucket("a.s3")).put("key", "shadowed");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const reads = [
  ["virtual.s3.example.com", "/dir/key", "virtual body"],
  ["VIRTUAL.S3.Example.COM:9000", "/dir/key", "virtual body"],
  ["with.dots.s3.example.com", "/key", "dotted body"],
  ["virtual.example.com", "/dir/key", "virtual body"],
  ["s3.example.com", "/virtual/dir/key", "virtual body"],
  ["unknown.host", "/virtual/dir/key", "virtual body"],
  ["127.0.0.1", "/virtual/dir/key", "virtual body"],
  ["[::1]:9000", "/virtual/dir/key", "virtual body"],
] as const;

for (const [host, target, body] of reads) {
  test(`addressing: GET ${target} of host ${host}`, async () => {
    expect((await s3.send({ method: "GET", target, host })).text).toBe(body);
  });
}

test("addressing: the longest domain decides which labels are the bucket", async () => {
  const answer = await s3.send({ method: "GET", target: "/key", host: "a.s3.example.com" });
  expect([answer.status, answer.code, readXmlText(answer.text, "BucketName")]).toEqual([404, "NoSuchBucket", "a"]);
});

test("addressing: a bucket's whole life in virtual-host style", async () => {
  const host = "life.s3.example.com";
  expect((await s3.send({ method: "PUT", target: "/", host })).status).toBe(200);
  expect((await s3.send({ method: "PUT", target: "/a//b", host, body: "x" })).status).toBe(200);
  expect((await s3.send({ method: "GET", target: "/life/a//b" })).text).toBe("x");
  expect(readXmlText((await s3.send({ method: "GET", target: "/?list-type=2", host })).text, "Key")).toBe("a//b");
  expect((await s3.send({ method: "DELETE", target: "/a//b", host })).status).toBe(204);
  expect((await s3.send({ method: "DELETE", target: "/", host })).status).toBe(204);
  expect((await s3.send({ method: "HEAD", target: "/life" })).status).toBe(404);
});

test("addressing: an empty key in path style is the bucket, a second slash begins a key", async () => {
  await s3.send({ method: "PUT", target: "/virtual//k", body: "slash" });
  expect((await s3.send({ method: "GET", target: "/virtual/%2Fk" })).text).toBe("slash");
  expect((await s3.send({ method: "GET", target: "/virtual/" })).text).toContain("<ListBucketResult");
});

/** Reads with a SigV2 URL made for `resource`, sent for `path` to `host`. */
async function readByV2(resource: string, path: string, host: string): Promise<readonly [number, string]> {
  const query = signV2Query({ method: "GET", resource, credentials: server.credentials });
  const answer = await s3.send({ method: "GET", target: `${path}?${query}`, host, credentials: null });
  return [answer.status, answer.status === 200 ? answer.text : answer.code];
}

test("SigV2: a URL reads what it was made for, by path and by virtual host", async () => {
  const read = [200, "virtual body"] as const;
  for (const host of ["127.0.0.1", "s3.example.com", "other.host", "sts.example.com"])
    expect([host, await readByV2("/virtual/dir/key", "/virtual/dir/key", host)]).toEqual([host, read]);
  for (const host of ["virtual.s3.example.com", "VIRTUAL.example.com:9000", "virtual.s3.example.com."])
    expect([host, await readByV2("/virtual/dir/key", "/dir/key", host)]).toEqual([host, read]);
});

test("SigV2: a URL never reads another bucket or key, whatever Host says", async () => {
  const refused = [403, "SignatureDoesNotMatch"] as const;
  const other = await s3.createBucket("virtual-2");
  const reserved = await s3.createBucket("sts");
  for (const key of ["dir/key", "key"]) await other.put(key, "other");
  for (const key of ["sts/key", "key"]) await reserved.put(key, "sts");
  for (const key of ["virtual/dir/key", "virtual-2/key"]) {
    await s3.send({ method: "PUT", target: `/virtual/${key}`, body: "secret" });
    await s3.send({ method: "PUT", target: `/virtual-2/${key}`, body: "secret" });
  }
  const lent = [
    ["/virtual/dir/key", "/virtual/dir/key", "virtual.s3.example.com"],
    ["/virtual/dir/key", "/virtual/dir/key", "virtual-2.s3.example.com"],
    ["/virtual-2/key", "/virtual-2/key", "virtual.s3.example.com"],
    ["/virtual-2/key", "/virtual-2/key", "virtual-2.example.com"],
    ["/virtual/dir/key", "/dir/key", "virtual-2.s3.example.com"],
    ["/virtual-2/key", "/key", "127.0.0.1"],
    ["/sts/sts/key", "/sts/key", "sts.example.com"],
  ] as const;
  for (const [resource, path, host] of lent)
    expect([resource, path, host, await readByV2(resource, path, host)]).toEqual([resource, path, host, refused]);
});
