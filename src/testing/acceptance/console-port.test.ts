import { afterAll, beforeAll, expect, test } from "bun:test";
import { signRequest } from "../s3-signer.ts";
import { type ServerProcess, startServer } from "../server-process.ts";

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
}, 30_000);
afterAll(() => server.remove());

test("console port: a signed S3 request is told the S3 port", async () => {
  const url = `http://127.0.0.1:${server.consolePort}/photos`;
  const headers = signRequest({ method: "GET", url, ...server.credentials, region: "us-east-1", date: new Date() });
  const response = await fetch(url, { headers });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain(`S3 is served at port ${server.s3Port}`);
});

test("console port: metrics need the server's own name or address as host", async () => {
  const url = `http://127.0.0.1:${server.consolePort}/metrics`;
  expect((await fetch(url)).status).toBe(200);
  expect((await fetch(url, { headers: { host: "rebound.example:9001" } })).status).toBe(403);
});

test("S3 port: a browser without credentials gets S3's AccessDenied", async () => {
  const headers = { "user-agent": "Mozilla/5.0", accept: "text/html" };
  const response = await fetch(`${server.endpoint}/`, { headers });
  expect([response.status, response.headers.get("content-type")]).toEqual([403, "application/xml"]);
  expect(await response.text()).toContain("<Code>AccessDenied</Code>");
});
