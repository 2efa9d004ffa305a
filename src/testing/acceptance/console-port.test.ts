import { afterAll, beforeAll, expect, test } from "bun:test";
import { signRequest } from "../s3-signer.ts";
import { type ServerProcess, startServer } from "../server-process.ts";
import { exchange } from "./raw-connection.ts";
import { clientOf } from "./s3-client.ts";

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

test("console port: HTTP/1.0 probes of the health need no Host header, everything else does", async () => {
  const ask = async (line: string) => {
    const [method = ""] = line.split(" ");
    return (await exchange({ port: server.consolePort }, method, `${line} HTTP/1.0\r\n\r\n`)).status;
  };
  for (const line of ["GET /health", "HEAD /health", "GET /health/live", "GET /health/ready"]) {
    expect([line, await ask(line)]).toEqual([line, 200]);
  }
  for (const line of ["GET /metrics", "GET /", "GET /api/v1/me", "GET /health?x", "POST /health", "GET /health/"]) {
    expect([line, await ask(line)]).toEqual([line, 400]);
  }
});

test("console port: metrics need the server's own name or address as host", async () => {
  const url = `http://127.0.0.1:${server.consolePort}/metrics`;
  expect((await fetch(url)).status).toBe(200);
  expect((await fetch(url, { headers: { host: "rebound.example:9001" } })).status).toBe(403);
});

test("console port: metrics count the bytes that arrived and were sent, not those that were announced", async () => {
  const s3 = clientOf(server);
  const bucket = await s3.createBucket("sizes");
  expect((await bucket.put("key", "0123456789")).status).toBe(200);
  expect((await bucket.head("key")).status).toBe(200);
  const huge = "PUT /sizes/huge HTTP/1.1\r\nHost: x\r\nContent-Length: 9007199254740991\r\n\r\n";
  expect((await exchange({ port: server.s3Port }, "PUT", huge)).status).toBe(403);
  s3.close();
  const metrics = await (await fetch(`http://127.0.0.1:${server.consolePort}/metrics`)).text();
  const sum = (name: string, labels: string) =>
    new RegExp(`^maxiofs_http_${name}_size_bytes_sum\\{${labels}\\} (.*)$`, "m").exec(metrics)?.[1];
  expect(sum("request", 'method="PUT",operation="PutObject"')).toBe("10");
  expect(sum("response", 'method="HEAD",operation="HeadObject"') ?? "0").toBe("0");
});

test("S3 port: a browser without credentials gets S3's AccessDenied", async () => {
  const headers = { "user-agent": "Mozilla/5.0", accept: "text/html" };
  const response = await fetch(`${server.endpoint}/`, { headers });
  expect([response.status, response.headers.get("content-type")]).toEqual([403, "application/xml"]);
  expect(await response.text()).toContain("<Code>AccessDenied</Code>");
});

test("console port: the API describes itself to who is known, and its page loads nothing from elsewhere", async () => {
  const url = `http://127.0.0.1:${server.consolePort}/api/`;
  const page = await fetch(`${url}docs`);
  expect([page.status, page.headers.get("content-security-policy")]).toEqual([
    200,
    expect.stringContaining("default-src 'none'"),
  ]);
  const links = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = ""]) => link);
  expect(links).toHaveLength(3);
  const sizes = links.map(async (link) => (await (await fetch(url + link)).bytes()).length);
  expect(Math.min(...(await Promise.all(sizes)))).toBeGreaterThan(100);
  expect((await fetch(`${url}openapi.json`)).status).toBe(401);
  const described = await (await server.adminFetch("/api/openapi.json")).json();
  expect(described.paths["/api/v1/users"].post["x-action"]).toBe("iam:CreateUser");
  // What holds every other answer of this suite against the document would notice one that is not like it.
  const answers = await server.answers();
  const json = new Headers({ "content-type": "application/json" });
  const wrong = { method: "GET", path: "/api/v1/users?limit=1", status: 200, headers: json };
  expect(() => answers.check({ ...wrong, text: '{"items":[],"nextCursor":null}' })).not.toThrow();
  expect(() => answers.check({ ...wrong, text: '{"items":[{"name":"a"}],"nextCursor":null}' })).toThrow("userId");
});
