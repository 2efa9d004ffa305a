import { afterAll, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";
import { signV2Query } from "./sign-v2.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("settings");
await bucket.put("key", "body");
afterAll(async () => {
  s3.close();
  await server.remove();
});

/** Requests go over several connections, so that all workers are asked. */
const workerRounds = 8;

/** Changes settings; null puts a default back. The change is in force in all workers when this resolves. */
async function change(settings: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await server.adminFetch("/api/v1/settings", {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify(settings),
  });
  if (!response.ok) throw new Error(`Changing settings answered ${response.status}: ${await response.text()}`);
}

/** The different outcomes of the same request, asked for over connections of its own each time. */
async function outcomes(send: (client: typeof s3) => Promise<{ status: number; code: string }>): Promise<string[]> {
  const seen = new Set<string>();
  for (let round = 0; round < workerRounds; round++) {
    const client = clientOf(server);
    const { status, code } = await send(client);
    seen.add(`${status} ${code}`.trim());
    client.close();
  }
  return [...seen];
}

function blobCount(): number {
  const folder = join(server.dataDir, "buckets");
  const blobs = readdirSync(folder).map((id) => join(folder, id, "blobs"));
  return blobs
    .filter(existsSync)
    .flatMap((path) => readdirSync(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile()).length;
}

test("system.maintenance_mode: writes get 503 with the time to wait, reads work", async () => {
  await change({ "system.maintenance_mode": true });
  const target = bucket.target("key");
  for (const request of [
    { method: "PUT", target, body: "new" },
    { method: "PUT", target: bucket.target("large"), body: new Uint8Array(1_000_000) },
    { method: "DELETE", target },
    { method: "POST", target: bucket.target("key", "uploads") },
    { method: "PUT", target: "/another-bucket" },
    { method: "DELETE", target: "/settings" },
  ]) {
    expect([request.method, await outcomes((client) => client.send(request))]).toEqual([
      request.method,
      ["503 ServiceUnavailable"],
    ]);
  }
  expect((await s3.send({ method: "PUT", target, body: "x" })).headers["retry-after"]).toBe("30");
  expect(await outcomes((client) => client.send({ method: "GET", target }))).toEqual(["200"]);
  expect((await bucket.list()).status).toBe(200);
  expect((await s3.send({ method: "PUT", target, body: "x", credentials: null })).status).toBe(403);
  await change({ "system.maintenance_mode": false });
  expect(await outcomes((client) => client.send({ method: "PUT", target, body: "body" }))).toEqual(["200"]);
});

test("security.signature_v2: off refuses URLs that were right before", async () => {
  const query = () => signV2Query({ method: "GET", resource: "/settings/key", credentials: server.credentials });
  const read = () =>
    outcomes((client) => client.send({ method: "GET", target: `/settings/key?${query()}`, credentials: null }));
  expect(await read()).toEqual(["200"]);
  await change({ "security.signature_v2": "off" });
  expect(await read()).not.toContain("200");
  await change({ "security.signature_v2": null });
  expect(await read()).toEqual(["200"]);
});

test("s3.region and s3.strict_region: where buckets are, and which signatures are right", async () => {
  const location = async () => (await bucket.list("location")).text;
  const read = () => outcomes((client) => client.send({ method: "GET", target: bucket.target("key") }));
  await change({ "s3.region": "eu-9" });
  const made = await s3.createBucket("made-in-eu");
  expect((await made.list("location")).text).toContain("eu-9");
  expect(await location()).not.toContain("eu-9");
  expect(await read()).toEqual(["200"]);
  await change({ "s3.strict_region": true });
  expect((await read())[0]).toStartWith("400");
  await change({ "s3.region": null });
  expect(await read()).toEqual(["200"]);
  await change({ "s3.strict_region": null });
});

test("server.s3_domains: the bucket is in the Host from the next request on", async () => {
  const read = () =>
    outcomes((client) => client.send({ method: "GET", target: "/key", host: "settings.objects.example" }));
  expect(await read()).toEqual(["404 NoSuchBucket"]);
  await change({ "server.s3_domains": ["objects.example"] });
  expect(await read()).toEqual(["200"]);
  await change({ "server.s3_domains": [] });
});

test("server.trusted_proxies: aws:SourceIp is the client's address, and nobody else's word counts", async () => {
  const policy = (ranges: string) => ({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "s3:GetObject", Resource: "*", Condition: { IpAddress: { "aws:SourceIp": ranges } } },
    ],
  });
  const made = await server.adminFetch("/api/v1/access-keys", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ userName: "admin", policy: JSON.stringify(policy("198.51.100.0/24")) }),
  });
  const { accessKeyId, secretKey } = await made.json();
  const credentials = { accessKeyId, secretKey };
  const read = (forwarded: string) => {
    const headers = { "x-forwarded-for": forwarded };
    return outcomes((client) => client.send({ method: "GET", target: bucket.target("key"), credentials, headers }));
  };
  expect(await read("198.51.100.7")).toEqual(["403 AccessDenied"]);
  await change({ "server.trusted_proxies": ["127.0.0.1", "10.0.0.0/8"] });
  expect(await read("198.51.100.7")).toEqual(["200"]);
  expect(await read("9.9.9.9, 198.51.100.7, 10.1.2.3")).toEqual(["200"]);
  expect(await read("198.51.100.7, 203.0.113.1")).toEqual(["403 AccessDenied"]);
  await change({ "server.trusted_proxies": null });
  expect(await read("198.51.100.7")).toEqual(["403 AccessDenied"]);
});

test("system.max_upload_size_mb: a body that is longer is refused", async () => {
  const put = (bytes: number) =>
    outcomes((client) => client.send({ method: "PUT", target: bucket.target("size"), body: new Uint8Array(bytes) }));
  await change({ "system.max_upload_size_mb": 1 });
  expect(await put(2 ** 20)).toEqual(["200"]);
  expect(await put(2 ** 20 + 1)).toEqual(["400 EntityTooLarge"]);
  await change({ "system.max_upload_size_mb": null });
  expect(await put(2 ** 20 + 1)).toEqual(["200"]);
});

test("s3.allow_sse_c_http: customer keys without TLS", async () => {
  const key = Buffer.alloc(32, 7);
  const headers = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": key.toString("base64"),
    "x-amz-server-side-encryption-customer-key-md5": new Bun.CryptoHasher("md5").update(key).digest("base64"),
  };
  const put = () =>
    outcomes((client) => client.send({ method: "PUT", target: bucket.target("c"), body: "c", headers }));
  expect((await put())[0]).toStartWith("400");
  await change({ "s3.allow_sse_c_http": true });
  expect(await put()).toEqual(["200"]);
  await change({ "s3.allow_sse_c_http": null });
});

test("storage.inline_threshold: where bodies go from the next one on", async () => {
  const before = blobCount();
  for (let round = 0; round < workerRounds; round++) await bucket.put("inline", "x".repeat(10_000));
  expect(blobCount()).toBe(before);
  await change({ "storage.inline_threshold": 9_999 });
  expect(
    await outcomes((client) => client.send({ method: "PUT", target: bucket.target("file"), body: "x".repeat(10_000) })),
  ).toEqual(["200"]);
  expect(blobCount()).toBe(before + workerRounds);
  await change({ "storage.inline_threshold": null });
  expect((await bucket.get("file")).body.length).toBe(10_000);
});

test("logging.level, logging.format, logging.include_caller: how the next lines look", async () => {
  const refuse = async (settings: Readonly<Record<string, unknown>>) => {
    await change(settings);
    const from = server.output().length;
    const headers = { authorization: `Basic ${btoa("nobody:wrong")}` };
    await fetch(`http://127.0.0.1:${server.consolePort}/api/v1/settings`, { headers });
    return server.output().slice(from);
  };
  const json = await refuse({ "logging.include_caller": true });
  expect(JSON.parse(json)).toMatchObject({
    ...{ level: "warn", caller: expect.stringMatching(/:\d+$/), node: hostname() },
    requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(await refuse({ "logging.format": "text", "logging.include_caller": null })).toMatch(/^\S+ WARN {2}A log-in/);
  expect(await refuse({ "logging.level": "error" })).toBe("");
  await change({ "logging.level": null, "logging.format": null });
});

test("logging.access_enabled: a line per request of every worker, without keys and signatures", async () => {
  const send = () => outcomes((client) => client.send({ method: "GET", target: bucket.target("secret-key-name") }));
  const from = server.output().length;
  const lines = () =>
    server
      .output()
      .slice(from)
      .split("\n")
      .filter((line) => line.includes('"message":"Request"'));
  await send();
  await change({ "logging.access_enabled": true, "logging.level": "error" });
  await send();
  for (let wait = 0; wait < 100 && lines().length < workerRounds; wait++) await Bun.sleep(20);
  await change({ "logging.access_enabled": null });
  await send();
  await Bun.sleep(300);
  expect(lines().length).toBe(workerRounds);
  expect(JSON.parse(lines()[0] ?? "")).toMatchObject({
    ...{ level: "info", operation: "GetObject", bucket: "settings", status: 404, errorCode: "NoSuchKey", bytesIn: 0 },
    ...{ requestId: expect.stringMatching(/^[0-9A-F]{16}$/), accessKeyId: server.credentials.accessKeyId },
    ...{ bucketId: expect.stringMatching(/^[0-9A-Z]{26}$/), node: hostname() },
    ...{ remote: expect.stringContaining("127.0.0.1"), ms: expect.any(Number), bytesOut: expect.any(Number) },
  });
  expect(lines().join("")).not.toMatch(/secret-key-name|signature|authorization/i);
  await change({ "logging.access_enabled": true, "logging.level": null, "logging.format": "text" });
  await send();
  const texts = () => server.output().slice(from).split("INFO  Request requestId=").length - 1;
  for (let wait = 0; wait < 100 && texts() < workerRounds; wait++) await Bun.sleep(20);
  expect(texts()).toBe(workerRounds);
  await change({ "logging.access_enabled": null, "logging.format": null });
});

test("server.trusted_proxies: the access log names the client that a trusted proxy forwards for", async () => {
  const headers = { "x-forwarded-for": "203.0.113.9, 198.51.100.7" };
  const from = server.output().length;
  const remotes = async (count: number) => {
    const lines = () =>
      server
        .output()
        .slice(from)
        .split("\n")
        .filter((line) => line.includes('"message":"Request"'));
    for (let wait = 0; wait < 100 && lines().length < count; wait++) await Bun.sleep(20);
    return lines().map((line) => JSON.parse(line).remote);
  };
  await change({ "logging.access_enabled": true, "server.trusted_proxies": null });
  await bucket.send("k", { method: "GET", headers });
  expect(await remotes(1)).toEqual(["127.0.0.1"]);
  await change({ "server.trusted_proxies": ["127.0.0.0/8"] });
  await bucket.send("k", { method: "GET", headers });
  expect(await remotes(2)).toEqual(["127.0.0.1", "198.51.100.7"]);
  await change({ "logging.access_enabled": null, "server.trusted_proxies": null });
});

test("metrics.token, metrics.allow_from, metrics.enabled: who may scrape", async () => {
  const scrape = async (headers: Record<string, string> = {}) =>
    (await fetch(`http://127.0.0.1:${server.consolePort}/metrics`, { headers })).status;
  const bearer = { authorization: "Bearer a-token-for-prometheus", "x-forwarded-for": "192.0.2.1" };
  expect([await scrape(), await scrape(bearer)]).toEqual([200, 401]);
  await change({ "metrics.token": "a-token-for-prometheus", "metrics.allow_from": ["192.0.2.0/24"] });
  expect([await scrape(), await scrape(bearer)]).toEqual([403, 200]);
  await change({ "metrics.token": null, "metrics.allow_from": null, "metrics.enabled": false });
  expect(await scrape()).toBe(404);
  await change({ "metrics.enabled": null });
  expect(await scrape()).toBe(200);
});

test("audit.enabled, audit.log_s3_operations, audit.log_console_operations: what is recorded", async () => {
  const actions = async () => {
    const { items } = await (await server.adminFetch("/api/v1/audit/events?limit=5&outcome=success")).json();
    return items.map(({ action, via }: { action: string; via: string }) => `${action} ${via}`);
  };
  await change({ "audit.log_s3_operations": false });
  await s3.createBucket("not-recorded");
  expect((await actions())[0]).toBe("maxiofs:UpdateSettings api");
  await change({ "audit.log_s3_operations": null, "audit.log_console_operations": false });
  await server.createKey("not-recorded", []);
  await s3.createBucket("recorded");
  expect((await actions()).slice(0, 2)).toEqual(["s3:CreateBucket s3", "maxiofs:UpdateSettings api"]);
  await change({ "audit.log_console_operations": null, "audit.enabled": false });
  await server.createKey("not-recorded-either", []);
  await s3.createBucket("not-recorded-either");
  expect((await actions())[0]).toBe("maxiofs:UpdateSettings api");
  await change({ "audit.enabled": null });
  await server.createKey("told", []);
  expect((await actions())[0]).toBe("iam:CreateAccessKey api");
});

test("storage.reserve_bytes: above the free space writes are refused, reads and deletes go on", async () => {
  await change({ "storage.reserve_bytes": 2 ** 50 });
  const put = () => s3.send({ method: "PUT", target: bucket.target("full"), body: new Uint8Array(100_000) });
  const { free, half } = await freeSpace();
  // The reserve is half of the disk at most: on a disk that is emptier nothing can be seen from outside.
  const isFull = free < half;
  for (let wait = 0; wait < 50 && isFull && (await put()).status === 200; wait++) await Bun.sleep(100);
  expect((await put()).status).toBe(isFull ? 507 : 200);
  expect((await bucket.get("key")).text).toBe("body");
  expect((await bucket.delete("full")).status).toBe(204);
  await change({ "storage.reserve_bytes": 0 });
  for (let wait = 0; wait < 50 && (await put()).status !== 200; wait++) await Bun.sleep(100);
  expect((await put()).status).toBe(200);
  await change({ "storage.reserve_bytes": null });
});

async function freeSpace(): Promise<{ free: number; half: number }> {
  const { statfs } = await import("node:fs/promises");
  const { bavail, blocks, bsize } = await statfs(server.dataDir);
  return { free: bavail * bsize, half: (blocks * bsize) / 2 };
}

test("settings: a worker that starts later has them, and so has the next start", async () => {
  await change({ "system.maintenance_mode": true });
  await server.kill9();
  s3.close();
  await server.start();
  const target = bucket.target("key");
  expect(await outcomes((client) => client.send({ method: "PUT", target, body: "x" }))).toEqual([
    "503 ServiceUnavailable",
  ]);
  await change({ "system.maintenance_mode": null });
  expect(await outcomes((client) => client.send({ method: "PUT", target, body: "x" }))).toEqual(["200"]);
}, 30_000);
