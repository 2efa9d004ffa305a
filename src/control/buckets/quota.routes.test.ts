import { afterEach, expect, test } from "bun:test";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { makeKey } from "#testing/make-key.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls, makeControlOptions, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

const unlimited = { maxBytes: null, maxObjects: null };

async function open(usage = async () => new Map([["", { bytes: 0, objects: 0 }]])) {
  const options = makeControlOptions();
  const opened = await startControl({ ...options, catalogs: { ...options.catalogs, usage } });
  const { control, fetch } = opened;
  const [tenantId = ""] = control.publisher.entries("tenant").keys();
  const call = { kind: "createBucket", name: "photos", tenantId, region: "us-east-1", tags: [] } as const;
  await control.calls.answer(call);
  const [entry] = control.publisher.buckets.values();
  if (!entry) throw new Error("No bucket");
  const get = (path: string) => fetch(`/api/v1/buckets/${path}`, { as: testAdministrator });
  const put = (path: string, body: unknown, ifMatch?: string) =>
    fetch(`/api/v1/buckets/${path}`, {
      method: "PUT",
      body: JSON.stringify(body),
      headers: ifMatch === undefined ? {} : { "if-match": ifMatch },
      as: testAdministrator,
    });
  const published = (): BucketEntry | undefined => control.publisher.buckets.get(entry.bucketId);
  return { ...opened, get, put, entry, published, tenantId };
}

test("quotaRoutes: a quota is read, set as a whole and published; its ETag is the bucket's revision", async () => {
  const { get, put, published } = await open();
  const before = await get("photos/quota");
  expect([before.status, before.headers.get("etag")]).toEqual([200, '"1"']);
  expect(await before.json()).toEqual({ maxBytes: null, maxObjects: null });
  const changed = await put("photos/quota", { maxBytes: 1_000, maxObjects: 0 }, '"1"');
  expect([changed.status, changed.headers.get("etag")]).toEqual([200, '"2"']);
  expect(published()?.quota).toEqual({ maxBytes: 1_000, maxObjects: 0 });
  expect(await (await get("photos/quota")).json()).toEqual({ maxBytes: 1_000, maxObjects: 0 });
  expect((await put("photos/quota", unlimited, '"1"')).status).toBe(412);
  expect((await put("photos/quota", unlimited)).status).toBe(428);
  expect(published()?.quota).toEqual({ maxBytes: 1_000, maxObjects: 0 });
  expect((await put("photos/quota", unlimited, "*")).status).toBe(200);
  expect(published()?.quota).toEqual(unlimited);
});

test("quotaRoutes: what is no quota is refused and changes nothing", async () => {
  const { put, published } = await open();
  for (const body of [
    {},
    { maxBytes: 1 },
    { ...unlimited, maxBytes: -1 },
    { ...unlimited, maxBytes: 1.5 },
    { ...unlimited, maxObjects: "seven" },
    { ...unlimited, maxBytes: " " },
    { ...unlimited, maxBytes: "5" },
    { ...unlimited, maxBytes: "0x10" },
    { ...unlimited, maxBytes: 2 ** 53 },
    { ...unlimited, other: 1 },
    [],
  ])
    expect([body, (await put("photos/quota", body, "*")).status]).toEqual([body, 400]);
  expect(published()?.quota).toEqual({});
});

test("quotaRoutes: a change is in the audit, with what was before", async () => {
  const { put, fetch } = await open();
  await put("photos/quota", { ...unlimited, maxBytes: 5 }, "*");
  await put("photos/quota", { ...unlimited, maxBytes: 6 }, "*");
  const events = await fetch("/api/v1/audit/events?action=maxiofs:SetBucketQuota", { as: testAdministrator });
  const { items } = await events.json();
  expect(items[0]).toMatchObject({
    actor: { name: "admin" },
    resource: { kind: "bucket", name: "photos" },
    change: { quota: { before: { maxBytes: 5 }, after: { maxBytes: 6 } } },
  });
});

test("quotaRoutes: usage is what the catalog writer says; without its word the server is unavailable", async () => {
  let answer = async (): Promise<Map<string, { bytes: number; objects: number }>> => new Map();
  const { get, entry } = await open(() => answer());
  expect((await get("photos/usage")).status).toBe(503);
  answer = async () => {
    throw new S3Error("ServiceUnavailable");
  };
  expect((await get("photos/usage")).status).toBe(503);
  answer = async () => new Map([[entry.bucketId, { bytes: 12, objects: 3 }]]);
  expect(await (await get("photos/usage")).json()).toEqual({ bytes: 12, objects: 3 });
});

test("quotaRoutes: unknown buckets and tenants are not there; a global administrator reaches those of a tenant", async () => {
  const { get, put, fetch, tenantId } = await open();
  for (const path of ["nothing/quota", "nothing/usage"]) expect((await get(path)).status).toBe(404);
  expect((await put("nothing/quota", unlimited, "*")).status).toBe(404);
  const below = (tenant: string) => fetch(`/api/v1/tenants/${tenant}/buckets/photos/quota`, { as: testAdministrator });
  expect((await below(tenantId)).status).toBe(200);
  expect((await below("01ARZ3NDEKTSV4RRFFQ69G5FAV")).status).toBe(404);
});

test("quotaRoutes: who has no right to it reads and sets no quota, nor learns what there is elsewhere", async () => {
  const { control, client, fetch } = await openConsole();
  const [tenantId = ""] = control.publisher.entries("tenant").keys();
  await control.calls.answer({ kind: "createBucket", name: "photos", tenantId, region: "us-east-1", tags: [] });
  expect((await fetch("/api/v1/buckets/photos/quota")).status).toBe(401);
  await makeKey(control, { userName: "alice", policy: null });
  const system = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
  const { password } = await control.logins.resetPassword(await control.logins.find("default", "alice"), system);
  const alice = client();
  await alice.logIn("alice", password);
  await alice.call("me/password", { body: { password: "Alices-Own-Horse-1" } });
  for (const path of ["buckets/photos/quota", "buckets/photos/usage", "buckets/nothing/quota"])
    expect([path, (await alice.call(path)).status]).toEqual([path, 403]);
  expect((await alice.call(`tenants/${tenantId}/buckets/photos/quota`)).status).toBe(403);
});
