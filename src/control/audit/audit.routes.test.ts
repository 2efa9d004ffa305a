import { afterEach, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { systemClock } from "#kernel/base/clock.ts";
import { policyOf } from "#testing/identities.ts";
import { closeAudits, makeEvent, openAudit } from "#testing/opened-audit.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import { type AuditRoutesOptions, auditRoutes } from "./audit.routes.ts";
import { verifyExport } from "./verify-export.ts";

const noDataEvents: AuditRoutesOptions["dataEvents"] = { days: async () => [], read: async function* () {} };

afterEach(async () => {
  await closeAudits();
  await closeControls();
});
const path = "/api/v1/audit";
const policy = policyOf([{ actions: ["s3:GetObject"], resources: ["*"] }]);

async function open() {
  const opened = await startControl();
  const send = (method: string, to: string, body?: object) =>
    opened.fetch(to, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      headers: { "if-match": "*" },
      as: testAdministrator,
    });
  const events = async (query = "") => (await (await send("GET", `${path}/events${query}`)).json()).items;
  return { ...opened, send, events };
}

/** The routes alone, asked by a caller of one's choice. */
async function openFor(caller: Partial<Caller>) {
  const audit = await openAudit();
  for (const tenantId of [null, "t1", "t2"]) await audit.record(makeEvent({ tenantId }));
  const common = {
    userId: "AIDA1",
    userName: "eve",
    via: "token",
    mfa: false,
    freshProof: false,
    secure: false,
    narrowing: [],
  } as const;
  const whole: Caller = { ...common, tenantId: "t1", global: false, address: "", agent: "", requestId: "", ...caller };
  const app = new Elysia()
    .onError(({ error }) => new Response("", { status: error instanceof ControlError ? error.status : 500 }))
    .use(auditRoutes({ audit: audit.trail, dataEvents: noDataEvents, clock: systemClock, callerOf: () => whole }));
  const get = (rest: string) => app.handle(new Request(`http://localhost${path}${rest}`));
  return { ...audit, get };
}

test("auditRoutes: every change of a key and of a setting is told, with who did it, and no secret", async () => {
  const { send, events, fetch } = await open();
  await send("POST", "/api/v1/users", { name: "alice" });
  const made = await (await send("POST", "/api/v1/access-keys", { userName: "alice", policy })).json();
  const key = `/api/v1/access-keys/${made.accessKeyId}`;
  await send("PATCH", key, { enabled: false });
  await send("PATCH", "/api/v1/settings", { "s3.region": "eu-1", "metrics.token": "a-token-for-prometheus" });
  await send("DELETE", key);
  await send("DELETE", key);
  const items = await events();
  expect(items.map(({ action }: { action: string }) => action)).toEqual([
    "iam:DeleteAccessKey",
    "maxiofs:UpdateSettings",
    "iam:UpdateAccessKey",
    "iam:CreateAccessKey",
    "iam:CreateUser",
    "iam:CreateLoginProfile",
  ]);
  expect(items[0]).toMatchObject({
    actor: { kind: "user", name: "admin" },
    resource: { kind: "accessKey", id: made.accessKeyId, name: "alice" },
    ...{ outcome: "success", via: "api", address: "127.0.0.1", requestId: expect.stringMatching(/^[0-9a-f]{32}$/) },
  });
  expect(items[1].change).toEqual({ "s3.region": { before: "us-east-1", after: "eu-1" }, "metrics.token": {} });
  expect(items[2].change).toEqual({ enabled: { before: true, after: false } });
  expect(items[3].change).toMatchObject({ policy: { after: policy }, userName: { after: "alice" } });
  for (const secret of [made.secretKey, "a-token-for-prometheus"]) expect(JSON.stringify(items)).not.toContain(secret);
  expect((await fetch(`${path}/events`)).status).toBe(401);
});

test("auditRoutes: buckets made and deleted through S3 are told in their tenant's chain", async () => {
  const { control, events } = await open();
  const [key] = control.publisher.keys.values();
  const accessKeyId = key?.accessKeyId ?? "";
  const tenantId = key?.tenantId ?? "";
  const principal = { principalId: key?.userId ?? "", principalName: "admin" };
  const origin = { accessKeyId, ...principal, requestId: "R1", address: "192.0.2.7", agent: "aws-cli" };
  const call = { kind: "createBucket", name: "photos", tenantId, region: "eu-1", tags: [], origin } as const;
  await control.calls.answer(call);
  const [bucket] = control.publisher.buckets.values();
  await control.calls.answer({ kind: "deleteBucket", bucketId: bucket?.bucketId ?? "", origin });
  const items = await events("?via=s3");
  expect(items.map(({ action }: { action: string }) => action)).toEqual(["s3:DeleteBucket", "s3:CreateBucket"]);
  expect(items[1]).toMatchObject({
    tenantId: key?.tenantId,
    actor: { kind: "user", id: key?.userId, accessKeyId },
    resource: { kind: "bucket", name: "photos", arn: "arn:aws:s3:::photos" },
    ...{ requestId: "R1", address: "192.0.2.7", agent: "aws-cli" },
  });
});

test("auditRoutes: pages, filters, heads and verification", async () => {
  const { send, events } = await open();
  // Beside the administrator's password, which the start made.
  for (const userName of ["a", "b", "c"]) await send("POST", "/api/v1/users", { name: userName });
  const first = await (await send("GET", `${path}/events?limit=2`)).json();
  expect(first.items).toHaveLength(2);
  expect(await events(`?limit=2&cursor=${first.nextCursor}`)).toHaveLength(2);
  expect(await events("?resourceName=b")).toHaveLength(1);
  expect(await events("?mfa=false&action=iam:*&from=2026-01-01T00:00:00Z")).toHaveLength(4);
  expect(await events("?to=2020-01-01T00:00:00Z")).toEqual([]);
  for (const wrong of [
    "limit=0",
    "limit=1001",
    "cursor=x",
    "nothing=1",
    "from=now",
    "from=2026-13-01T00:00:00Z",
    "mfa=1x",
  ]) {
    const { status } = await send("GET", `${path}/events?${wrong}`);
    expect([wrong, status]).toEqual([wrong, 400]);
  }
  const head = await (await send("GET", `${path}/head`)).json();
  expect(head.items).toMatchObject([{ seq: 4, signed: null }]);
  expect(head.keys).toHaveLength(1);
  expect(await (await send("GET", `${path}/verify`)).json()).toMatchObject({ isSound: true, items: [{ lastSeq: 4 }] });
});

test("auditRoutes: an export verifies offline, holds every page, and is an event itself", async () => {
  const { send, events } = await open();
  for (const userName of ["a", "b", "c"]) await send("POST", "/api/v1/users", { name: userName });
  const answer = await send("GET", `${path}/export?format=jsonl`);
  expect(answer.headers.get("content-disposition")).toBe('attachment; filename="audit.jsonl"');
  const lines = (await answer.text()).trimEnd().split("\n");
  const report = await verifyExport(
    (async function* () {
      yield* lines;
    })(),
  );
  expect(report.problem).toBeUndefined();
  expect(report.chains.map(({ eventCount, problem }) => [eventCount, problem])).toEqual([
    [4, undefined],
    [1, undefined],
  ]);
  expect((await events())[0]).toMatchObject({ action: "maxiofs:ExportAudit", tenantId: null });
  const csv = await send("GET", `${path}/export?format=csv&resourceName=b`);
  expect(csv.headers.get("content-type")).toStartWith("text/csv");
  expect((await csv.text()).trimEnd().split("\r\n")).toHaveLength(2);
  expect((await send("GET", `${path}/export`)).status).toBe(400);
});

test("auditRoutes: a tenant sees its own chain, and no other exists for it", async () => {
  const { get } = await openFor({ tenantId: "t1" });
  for (const query of ["", "?tenant=t1"]) {
    const { items } = await (await get(`/events${query}`)).json();
    expect(items.map(({ tenantId }: { tenantId: string }) => tenantId)).toEqual(["t1"]);
    const heads = (await (await get(`/head${query}`)).json()).items;
    expect(heads.map(({ chain }: { chain: string }) => chain)).toEqual(["t1"]);
    expect((await (await get(`/verify${query}`)).json()).items).toHaveLength(1);
  }
  for (const tenant of ["t2", "server", "nobody"]) {
    for (const route of ["/events", "/head", "/verify", "/export"]) {
      const answer = await get(`${route}?tenant=${tenant}${route === "/export" ? "&format=csv" : ""}`);
      expect([route, tenant, answer.status]).toEqual([route, tenant, 404]);
    }
  }
  const exported = await (await get("/export?format=jsonl")).text();
  expect(exported).toContain('"chain":"t1"');
  for (const other of ['"t2"', '"server"']) expect(exported).not.toContain(other);
});

test("auditRoutes: a global administrator sees all chains, and each by its name", async () => {
  const { get } = await openFor({ global: true });
  expect((await (await get("/events")).json()).items).toHaveLength(3);
  expect((await (await get("/events?tenant=t2")).json()).items).toHaveLength(1);
  expect((await (await get("/events?tenant=server")).json()).items).toHaveLength(1);
  expect((await (await get("/head")).json()).items).toHaveLength(3);
});

test("auditRoutes: a denial that waits is seen by who reads", async () => {
  const { get, record } = await openFor({ global: true });
  for (let count = 0; count < 3; count++) await record(makeEvent({ outcome: "denied", code: "AccessDenied" }));
  const { items } = await (await get("/events?outcome=denied")).json();
  expect(items).toMatchObject([{ count: 3, code: "AccessDenied" }]);
});

test("auditRoutes: a changed row is found and named", async () => {
  const { get, database } = await openFor({ global: true });
  await database.run(
    "UPDATE audit_events SET body = replace(body, 'iam:CreateUser', 'iam:DeleteUser') WHERE chain = $1",
    ["t1"],
  );
  const { isSound, items } = await (await get("/verify")).json();
  expect(isSound).toBe(false);
  const bad = items.filter(({ problem }: { problem?: object }) => problem !== undefined);
  expect(bad).toMatchObject([{ chain: "t1", problem: { seq: 1, eventId: expect.any(String) } }]);
});
