import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenForDatagrams, listenForPosts, listenForSyslog, waitUntil } from "../log-receivers.ts";
import { selfSignedCertificate } from "../self-signed-certificate.ts";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";

const folder = mkdtempSync(join(tmpdir(), "maxiofs-receivers-"));
const authorities = join(folder, "authorities.pem");
writeFileSync(authorities, selfSignedCertificate.cert);
// Receivers are waited for, and machines may be slow.
setDefaultTimeout(30_000);
const server = await startServer({ env: { NODE_EXTRA_CA_CERTS: authorities } });
const s3 = clientOf(server);
const bucket = await s3.createBucket("shipped");
afterAll(async () => {
  s3.close();
  await server.remove();
  rmSync(folder, { recursive: true, force: true });
});

const token = "canary-token-of-the-receiver";
const allowed = { "outbound.allowed_ranges": ["127.0.0.0/8"] };

async function change(settings: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await server.adminFetch("/api/v1/settings", {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify(settings),
  });
  if (!response.ok) throw new Error(`Changing settings answered ${response.status}: ${await response.text()}`);
}

/** Makes the server log a line that names the address's failure. */
async function provokeLine(): Promise<void> {
  const headers = { authorization: `Basic ${btoa("AKIAUNKNOWN000000001:wrong-canary-secret")}` };
  await fetch(`http://127.0.0.1:${server.consolePort}/api/v1/settings`, { headers });
}

async function countDropped(sink: string): Promise<number> {
  const text = await (await server.adminFetch("/metrics")).text();
  return Number(new RegExp(`^maxiofs_log_lines_dropped_total\\{sink="${sink}"\\} (\\d+)$`, "m").exec(text)?.[1]);
}

test("logging.syslog_*: lines of the server and of requests arrive over TCP, UDP and TLS, live", async () => {
  const [tcp, udp, tls] = [await listenForSyslog(), await listenForDatagrams(), await listenForSyslog("tls")];
  await change({
    ...allowed,
    "logging.syslog_enabled": true,
    "logging.syslog_host": "127.0.0.1",
    "logging.syslog_port": tcp.port,
    "logging.syslog_tag": "store-7",
    "logging.access_enabled": true,
  });
  await bucket.put("key", "body");
  await provokeLine();
  const has = (receiver: { messages: string[] }, text: string) => receiver.messages.some((each) => each.includes(text));
  await waitUntil(() => has(tcp, '"operation":"PutObject"') && has(tcp, '"level":"warn"'), "Syslog over TCP");
  for (const message of tcp.messages) expect(message).toMatch(/^<13[0-9]>1 \S+Z \S+ store-7 \d+ - - \{"time":".*\}$/);
  const count = tcp.messages.length;
  await change({ "logging.syslog_protocol": "udp", "logging.syslog_port": udp.port });
  await bucket.get("key");
  await waitUntil(() => has(udp, '"operation":"GetObject"'), "Syslog over UDP");
  await change({
    "logging.syslog_protocol": "tls",
    "logging.syslog_host": "localhost",
    "logging.syslog_port": tls.port,
  });
  await bucket.get("key");
  await waitUntil(() => has(tls, '"operation":"GetObject"'), "Syslog over TLS");
  await change({ "logging.syslog_enabled": false });
  expect([has(tcp, '"operation":"GetObject"'), tcp.messages.length >= count]).toEqual([false, true]);
  for (const receiver of [tcp, udp, tls]) {
    expect(receiver.messages.join("\n")).not.toContain("canary");
    await receiver.close();
  }
});

test("logging.http_*: batches arrive with the token, which no answer, line or event shows", async () => {
  const receiver = listenForPosts();
  await change({
    ...allowed,
    "logging.http_enabled": true,
    "logging.http_url": `${receiver.url}/ingest`,
    "logging.http_auth_token": token,
    "logging.http_batch_size": 1,
    "logging.access_enabled": true,
  });
  await bucket.put("secret-key-name", "body");
  const lines = () => receiver.posts.flatMap(({ body }) => JSON.parse(body));
  await waitUntil(() => lines().some(({ operation }) => operation === "PutObject"), "A line by HTTP");
  expect(receiver.posts[0]?.headers["authorization"]).toBe(`Bearer ${token}`);
  const shown = await (await server.adminFetch("/api/v1/settings/logging.http_auth_token")).json();
  expect(shown).toMatchObject({ value: "***", secret: true });
  const events = await (await server.adminFetch("/api/v1/audit?limit=100")).text();
  const bodies = receiver.posts.map(({ body }) => body).join("\n");
  for (const text of [events, server.output(), bodies]) expect(text).not.toContain(token);
  expect(bodies).not.toContain("secret-key-name");
  await change({ "logging.http_enabled": false });
  await receiver.close();
});

test("logging.http_url: https checks the certificate against the name, which is the Host", async () => {
  const receiver = listenForPosts("https");
  const settings = {
    ...allowed,
    "logging.http_enabled": true,
    "logging.http_batch_size": 1,
    "logging.access_enabled": true,
  };
  await change({ ...settings, "logging.http_url": `https://localhost:${receiver.port}` });
  await bucket.get("none");
  await waitUntil(() => receiver.posts.length > 0, "A line by HTTPS");
  expect(receiver.posts[0]?.headers["host"]).toBe(`localhost:${receiver.port}`);
  await change({ "logging.http_enabled": false });
  await receiver.close();
});

test("logging.http_*: a receiver that fails holds no request up; it recovers, and dropped lines are counted", async () => {
  const receiver = listenForPosts();
  receiver.status = 0;
  const before = await countDropped("http");
  await change({
    ...allowed,
    "logging.http_enabled": true,
    "logging.http_url": receiver.url,
    "logging.http_batch_size": 10,
    "logging.http_flush_interval": 1,
    "logging.access_enabled": true,
  });
  for (let round = 0; round < 30; round += 1) expect((await bucket.get("none")).status).toBe(404);
  await waitUntil(() => receiver.posts.length === 1, "The first attempt");
  receiver.status = 200;
  await change({ "logging.http_flush_interval": 2 });
  const requests = () =>
    receiver.posts
      .slice(1)
      .flatMap(({ body }) => JSON.parse(body).filter(({ message }: LogLine) => message === "Request"));
  await waitUntil(() => requests().length >= 30, "What waited");
  expect(new Set(requests().map(({ requestId }) => requestId)).size).toBe(requests().length);
  receiver.status = 422;
  await provokeLine();
  for (let round = 0; round < 10; round += 1) await bucket.get("none");
  for (let left = 100; left > 0 && (await countDropped("http")) === before; left -= 1) await Bun.sleep(50);
  expect(await countDropped("http")).toBeGreaterThan(before);
  await change({ "logging.http_enabled": false });
  await receiver.close();
});

test("outbound.allowed_ranges: log targets on private addresses get nothing without it", async () => {
  const receiver = await listenForSyslog();
  await change({
    "outbound.allowed_ranges": null,
    "logging.syslog_enabled": true,
    "logging.syslog_protocol": "tcp",
    "logging.syslog_host": "localhost",
    "logging.syslog_port": receiver.port,
    "logging.access_enabled": true,
  });
  await bucket.get("none");
  await waitUntil(() => server.output().includes("outbound.allowed_ranges"), "The refusal");
  expect(receiver.connectionCount).toBe(0);
  await change(allowed);
  await waitUntil(() => receiver.messages.length > 0, "What waited");
  await change({ "logging.syslog_enabled": false });
  await receiver.close();
});

interface LogLine {
  readonly message: string;
}
