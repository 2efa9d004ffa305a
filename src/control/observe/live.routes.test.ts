import { afterEach, expect, test } from "bun:test";
import type { ThreadMetrics } from "#kernel/metrics/metrics-source.ts";
import { operationIndex, slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { ConsoleClient } from "#testing/console-client.ts";
import { makeKey } from "#testing/make-key.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControl, closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

const path = "/api/v1/live";
const open = new Set<AbortController>();
afterEach(() => {
  for (const abort of open) abort.abort();
  open.clear();
});

/** A stream's events as they come; `undefined` at its end. */
async function listen(url: string, headers: HeadersInit) {
  const abort = new AbortController();
  open.add(abort);
  const response = await fetch(url, { headers, signal: abort.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const next = async (): Promise<{ event: string; data: Record<string, unknown> } | undefined> => {
    for (;;) {
      const end = text.indexOf("\n\n");
      const block = text.slice(0, Math.max(0, end));
      if (end >= 0) {
        text = text.slice(end + 2);
        const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
        if (fields["event"]) return { event: fields["event"], data: JSON.parse(fields["data"]) };
        continue;
      }
      const read = await reader?.read();
      if (read === undefined || read.done) return undefined;
      text += read.value;
    }
  };
  return { response, next, close: () => abort.abort() };
}

/** Reads until the stream ends. */
async function drain(stream: Awaited<ReturnType<typeof listen>>): Promise<void> {
  while ((await stream.next()) !== undefined);
}

const basic = { authorization: `Basic ${btoa(`${testAdministrator.accessKeyId}:${testAdministrator.secretKey}`)}` };

function cookieOf({ cookies }: ConsoleClient): HeadersInit {
  return { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "), accept: "text/event-stream" };
}

test("liveRoutes: three topics, and what happens is in the next snapshots", async () => {
  const slot = createSlot(slotLayout);
  const thread: ThreadMetrics = { worker: "0", up: true, restartCount: 3, slot };
  const recorder = new SlotRecorder(slot, slotLayout);
  const earlier = { bucketRow: 0, durationUs: 9_000, bytesIn: 1, bytesOut: 1 };
  recorder.recordRequest(operationIndex("PutObject"), 2, earlier);
  const { port } = await startControl({ metricsSource: { threads: () => [thread] } });
  const stream = await listen(`http://127.0.0.1:${port}${path}`, basic);
  expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
  const first = [await stream.next(), await stream.next(), await stream.next()];
  expect(first.map((event) => event?.event)).toEqual(["system", "storage", "performance"]);
  expect(first[0]?.data["workers"]).toEqual([{ worker: "0", up: true, restartCount: 3, connections: 0 }]);
  expect(first[2]?.data["operations"]).toEqual([]);
  recorder.setConnections(5);
  for (const status of [2, 2, 2, 5]) {
    recorder.recordRequest(operationIndex("GetObject"), status, { ...earlier, durationUs: 2_000, bytesOut: 9 });
  }
  const [system, , performance] = [await stream.next(), await stream.next(), await stream.next()];
  expect(system?.data["workers"]).toMatchObject([{ connections: 5 }]);
  expect(performance?.data).toMatchObject({
    operations: [{ operation: "GetObject", successPercent: 75, latencyMs: { mean: 2 } }],
    successPercent: 75,
  });
  const one = await listen(`http://127.0.0.1:${port}${path}?topics=storage`, basic);
  expect([(await one.next())?.event, (await one.next())?.event]).toEqual(["storage", "storage"]);
});

test("liveRoutes: unknown topics, one twice and unknown callers are refused", async () => {
  const { fetch: call } = await startControl();
  for (const query of ["?topics=", "?topics=disk", "?topics=storage,storage", "?other=1"]) {
    expect([query, (await call(path + query, { as: testAdministrator })).status]).toEqual([query, 400]);
  }
  expect((await call(path)).status).toBe(401);
});

test("liveRoutes: ends when the session is closed, and listening keeps no session awake", async () => {
  const { port, clock, loggedIn } = await openConsole({ "security.session_idle_lock": 600 });
  const url = `http://127.0.0.1:${port}${path}?topics=system`;
  const [left, idle] = [await loggedIn(), await loggedIn()];
  const [leftStream, idleStream] = [await listen(url, cookieOf(left)), await listen(url, cookieOf(idle))];
  expect([(await leftStream.next())?.event, (await idleStream.next())?.event]).toEqual(["system", "system"]);
  await left.call("auth/logout", { method: "POST" });
  clock.advance(5_000);
  await drain(leftStream);
  expect((await idleStream.next())?.event).toBe("system");
  clock.advance(600_000);
  await drain(idleStream);
});

test("liveRoutes: ends with the right, and with the server", async () => {
  const { port, control, clock, loggedIn } = await openConsole();
  const root = await loggedIn();
  const url = `http://127.0.0.1:${port}${path}?topics=storage`;
  const made = await root.call("me/tokens", { body: { name: "watcher" } });
  expect(made.status).toBe(201);
  const stream = await listen(url, { authorization: `Bearer ${made.body.token}` });
  const other = await listen(url, basic);
  expect([(await stream.next())?.event, (await other.next())?.event]).toEqual(["storage", "storage"]);
  expect((await root.call(`me/tokens/${made.body.tokenId}`, { method: "DELETE" })).status).toBe(204);
  clock.advance(5_000);
  await drain(stream);
  expect((await other.next())?.event).toBe("storage");
  const ended = drain(other).catch(() => "cut");
  await closeControl(control);
  await ended;
});

test("liveRoutes: a stream opened with a key ends when the key's policy takes the right away", async () => {
  const { port, clock, fetch: call } = await openConsole();
  const policyOf = (action: string) =>
    JSON.stringify({ Version: "2012-10-17", Statement: { Effect: "Allow", Action: action, Resource: "*" } });
  const made = await call("/api/v1/access-keys", {
    ...{ method: "POST", as: testAdministrator },
    body: JSON.stringify({ userName: "admin", policy: policyOf("maxiofs:ReadMetrics") }),
  });
  const { accessKeyId, secretKey } = await made.json();
  const authorization = `Basic ${btoa(`${accessKeyId}:${secretKey}`)}`;
  const stream = await listen(`http://127.0.0.1:${port}${path}?topics=storage`, { authorization });
  expect((await stream.next())?.event).toBe("storage");
  const changed = await call(`/api/v1/access-keys/${accessKeyId}`, {
    ...{ method: "PATCH", as: testAdministrator, headers: { "if-match": "*" } },
    body: JSON.stringify({ policy: policyOf("s3:GetObject") }),
  });
  expect(changed.status).toBe(200);
  clock.advance(5_000);
  await drain(stream);
});

test("liveRoutes: tenants are told of their own storage and of nothing else", async () => {
  const { port, control, client } = await openConsole();
  await makeKey(control, { userName: "bob", tenant: "acme", policy: null });
  const bob = await control.logins.find("acme", "bob");
  const system = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
  const { password } = await control.logins.resetPassword(bob, system);
  const user = client();
  await user.call("auth/login", { body: { tenant: "acme", username: "bob", password } });
  await user.call("me/password", { body: { password: "My-Own-Horse-77" } });
  const url = `http://127.0.0.1:${port}${path}`;
  expect((await fetch(url, { headers: cookieOf(user) })).status).toBe(403);
  const statement = { Effect: "Allow", Action: "maxiofs:ReadMetrics", Resource: "*" };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await makeKey(control, { userName: "bob", tenant: "acme", policy });
  const stream = await listen(url, cookieOf(user));
  const first = await stream.next();
  expect([first?.event, first?.data["bucketCount"], first?.data["cacheBytes"]]).toEqual(["storage", 0, null]);
  for (const topics of ["system", "performance", "storage,system"]) {
    expect([topics, (await fetch(`${url}?topics=${topics}`, { headers: cookieOf(user) })).status]).toEqual([
      topics,
      403,
    ]);
  }
});
