import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { listenForPosts, waitUntil } from "../log-receivers.ts";
import { parseOtlp, type ReceivedSpan } from "../parse-otlp.ts";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";

// Receivers are waited for, and machines may be slow.
setDefaultTimeout(30_000);
const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("traced");
const receiver = listenForPosts();
afterAll(async () => {
  s3.close();
  await receiver.close();
  await server.remove();
});

const token = "canary-token-of-the-collector";
const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";

async function change(settings: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await server.adminFetch("/api/v1/settings", {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify(settings),
  });
  if (!response.ok) throw new Error(`Changing settings answered ${response.status}: ${await response.text()}`);
}

const spans = (): ReceivedSpan[] => receiver.posts.flatMap(({ body }) => parseOtlp(body));
const named = (name: string, of = spans()) => of.filter((span) => span.name === name);

test("tracing.enabled: off by default; nothing is sent, not even what a caller wants to see", async () => {
  await change({
    "tracing.otlp_url": receiver.url,
    "tracing.auth_token": token,
    "outbound.allowed_ranges": ["127.0.0.1"],
  });
  const headers = { traceparent: `00-${traceId}-${parentId}-01` };
  expect((await s3.send({ method: "PUT", target: bucket.target("key"), body: "body", headers })).status).toBe(200);
  await change({ "tracing.enabled": true, "tracing.sample_percent": 0 });
  expect((await bucket.put("key", "body")).status).toBe(200);
  expect((await s3.send({ method: "GET", target: bucket.target("key"), headers })).status).toBe(200);
  await waitUntil(() => named("GetObject").length === 1, "The one span");
  expect(named("PutObject")).toEqual([]);
});

test("tracing: one PUT is one trace of the caller, the worker and the writer", async () => {
  await change({ "tracing.enabled": true, "tracing.sample_percent": 0, "logging.access_enabled": true });
  const own = traceId.replace("0af", "1bf");
  const headers = { traceparent: `00-${own}-${parentId}-01` };
  const put = await s3.send({ method: "PUT", target: bucket.target("secret-key-name"), body: "body", headers });
  expect(put.status).toBe(200);
  const ours = () => spans().filter((span) => span.traceId === own);
  await waitUntil(() => ours().length === 3, "Three spans");
  const [request] = named("PutObject", ours());
  const [wait] = named("CommitMutation", ours());
  const [commit] = named("CatalogCommit", ours());
  expect([request?.parentSpanId, wait?.parentSpanId, commit?.parentSpanId]).toEqual([
    parentId,
    request?.spanId,
    wait?.spanId,
  ]);
  expect(request?.attributes).toMatchObject({
    "thread.name": expect.stringMatching(/^worker \d+$/),
    "http.request.method": "PUT",
    "http.response.status_code": 200,
    "aws.request_id": put.headers["x-amz-request-id"],
  });
  expect(commit?.attributes).toMatchObject({ "thread.name": "writer", "maxiofs.mutations": 1 });
  await waitUntil(() => server.output().includes(`"traceId":"${own}"`), "The trace's line");
  const all = receiver.posts.map(({ body }) => body).join("\n");
  for (const secret of [token, "secret-key-name"]) expect(all).not.toContain(secret);
  expect(receiver.posts[0]).toMatchObject({ path: "/v1/traces", headers: { authorization: `Bearer ${token}` } });
  expect(server.output()).not.toContain(token);
});

test("tracing: what a worker asks of the control thread, and calls of the control API", async () => {
  await change({ "tracing.enabled": true, "tracing.sample_percent": 100 });
  await s3.createBucket("traced-too");
  await waitUntil(() => named("createBucket").length === 1, "The call");
  const [call] = named("createBucket");
  const trace = spans().filter((span) => span.traceId === call?.traceId);
  expect(trace.map(({ name }) => name).toSorted()).toEqual(["CallControl", "CreateBucket", "createBucket"]);
  expect(call?.attributes).toEqual({ "thread.name": "control" });
  await server.adminFetch("/api/v1/settings");
  await waitUntil(() => named("maxiofs:ReadSettings").length > 0, "The route");
  expect((await s3.send({ method: "GET", target: bucket.target("none") })).status).toBe(404);
  await waitUntil(() => spans().some(({ attributes }) => attributes["error.type"] === "NoSuchKey"), "The error");
  expect(spans().some(({ isError }) => isError)).toBe(false);
});

test("tracing.sample_percent: a part of the requests; a receiver that fails holds nobody up and recovers", async () => {
  await change({ "tracing.enabled": true, "tracing.sample_percent": 50 });
  receiver.status = 503;
  receiver.posts.splice(0);
  for (let round = 0; round < 100; round += 1) expect((await bucket.get("key")).status).toBe(200);
  await waitUntil(() => server.output().includes("The receiver of traces does not take spans"), "The line");
  receiver.posts.splice(0);
  receiver.status = 200;
  await waitUntil(() => named("GetObject").length > 15, "What waited");
  expect(named("GetObject").length).toBeLessThan(90);
  await change({ "tracing.enabled": false });
  expect(await (await server.adminFetch("/metrics")).text()).toMatch(/^maxiofs_trace_spans_dropped_total \d+$/m);
});
