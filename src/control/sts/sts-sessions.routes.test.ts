import { afterEach, expect, test } from "bun:test";
import type { SessionAnswer } from "#kernel/protocol/sts.ts";
import { policyOf } from "#testing/identities.ts";
import { makeKey } from "#testing/make-key.ts";
import { closeAudits } from "#testing/opened-audit.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";
import { assumeOrder, issueSession, openSts, stsIds, tokenOrder } from "#testing/opened-sts.ts";
import type { IssueCall } from "./sts.ts";

afterEach(async () => {
  await closeControls();
  await closeAudits();
});
const path = "/api/v1/sts-sessions";

async function open() {
  const opened = await startControl();
  const { accessKeyId } = testAdministrator;
  const userId = opened.control.publisher.keys.get(accessKeyId)?.userId ?? "";
  const call: IssueCall = {
    kind: "issueSession",
    order: tokenOrder(),
    credential: { accessKeyId, session: undefined },
    origin: { accessKeyId, principalId: userId, principalName: "admin", requestId: "R", address: "::1", agent: "test" },
    secure: false,
  };
  const issue = async (count: number) => {
    const ids: string[] = [];
    for (let at = 0; at < count; at++) {
      const result = await opened.control.calls.answer(call);
      const answer = result.ok ? (result.value as SessionAnswer) : undefined;
      ids.push(answer?.kind === "issued" ? answer.accessKeyId : "refused");
    }
    return ids.toSorted();
  };
  const get = async (query = "") => (await opened.fetch(`${path}${query}`, { as: testAdministrator })).json();
  const revoke = (body: object) =>
    opened.fetch(`${path}/revoke`, { method: "POST", body: JSON.stringify(body), as: testAdministrator });
  const remove = (id: string) => opened.fetch(`${path}/${id}`, { method: "DELETE", as: testAdministrator });
  return { ...opened, userId, call, issue, get, revoke, remove };
}

test("stsSessionRoutes: pages of every size give the sessions of the tenant, without secrets", async () => {
  const { issue, get, userId } = await open();
  const ids = await issue(5);
  for (let limit = 1; limit <= 6; limit++) {
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { items, nextCursor }: { items: { sessionId: string }[]; nextCursor: string | null } = await get(
        `?limit=${limit}&cursor=${cursor}`,
      );
      expect(items.length).toBeLessThanOrEqual(limit);
      seen.push(...items.map(({ sessionId }) => sessionId));
      cursor = nextCursor;
    }
    expect([limit, seen]).toEqual([limit, ids]);
  }
  const [first] = (await get()).items;
  expect(first).toEqual({
    ...{
      sessionId: ids[0],
      principalId: userId,
      sessionName: "",
      sourceIdentity: null,
      mfa: false,
      issuedBy: testAdministrator.accessKeyId,
    },
    ...{ issuedAt: expect.any(String), expiresAt: expect.any(String), address: "::1", agent: "test", state: "active" },
  });
  expect((await get("?principalId=AROAABCDEFGHIJKLMNOP")).items).toEqual([]);
  expect((await get(`?principalId=${userId}`)).items.length).toBe(5);
});

test("stsSessionRoutes: one is revoked, then all before a time, never in the future, each with an event", async () => {
  const { issue, get, revoke, remove, userId, control } = await open();
  const [one = "", other = ""] = await issue(2);
  expect((await remove(one)).status).toBe(204);
  const states = async () => (await get()).items.map(({ state }: { state: string }) => state);
  expect(await states()).toEqual(["revoked", "active"]);
  expect(control.publisher.entries("revocation").get(one)?.beforeMs).toBeGreaterThan(0);
  const before = new Date(Date.now() + 60_000).toISOString();
  expect((await revoke({ principalId: userId, before })).status).toBe(400);
  expect((await revoke({ principalId: userId, before: "2026-01-01T00:00:00Z" })).status).toBe(200);
  expect(await states()).toEqual(["revoked", "active"]);
  expect((await revoke({ principalId: userId })).status).toBe(200);
  expect(await states()).toEqual(["revoked", "revoked"]);
  const earlier = await revoke({ principalId: userId, before: "2026-01-01T00:00:00Z" });
  expect([(await earlier.json()).before > "2026-01-02", await states()]).toEqual([true, ["revoked", "revoked"]]);
  expect((await remove(other)).status).toBe(204);
});

test("stsSessionRoutes: what a key got ends when the key is disabled, narrowed or deleted, a user's when he gets a boundary", async () => {
  const { control, fetch, get, call } = await open();
  const key = await makeKey(control, { userName: "alice", policy: null });
  const of = { accessKeyId: key.accessKeyId, session: undefined };
  const { userId } = key;
  const start = async () => {
    const origin = { ...call.origin, accessKeyId: key.accessKeyId, principalId: userId, principalName: "alice" };
    await Bun.sleep(2);
    const result = await control.calls.answer({ ...call, credential: of, origin });
    const answer = result.ok ? (result.value as SessionAnswer) : undefined;
    if (answer?.kind !== "issued") throw new Error("No session");
    return answer.accessKeyId;
  };
  const stateOf = async (id: string) =>
    (await get(`?principalId=${userId}`)).items.find(({ sessionId }: { sessionId: string }) => sessionId === id)?.state;
  const edit = (target: string, patch: object) =>
    fetch(`/api/v1/${target}`, {
      ...{ method: "PATCH", headers: { "if-match": "*" }, as: testAdministrator, body: JSON.stringify(patch) },
    });
  const keyPath = `access-keys/${key.accessKeyId}`;
  const policy = policyOf([{ actions: ["s3:*"], resources: ["*"] }]);
  const changes = [
    [keyPath, { description: "as before" }, "active"],
    [keyPath, { policy }, "revoked"],
    [keyPath, { policy: null }, "active"],
    [keyPath, { expiresAt: "2999-01-01T00:00:00Z" }, "revoked"],
    [`users/${userId}`, { name: "alicia" }, "active"],
    [`users/${userId}`, { boundary: "readwrite" }, "revoked"],
    [`users/${userId}`, { boundary: null }, "active"],
    [keyPath, { enabled: false }, "revoked"],
  ] as const;
  for (const [target, patch, state] of changes) {
    const id = await start();
    expect([patch, await stateOf(id)]).toEqual([patch, "active"]);
    expect((await edit(target, patch)).status).toBe(200);
    expect([patch, await stateOf(id)]).toEqual([patch, state]);
  }
  expect((await edit(keyPath, { enabled: true })).status).toBe(200);
  const last = await start();
  await fetch(`/api/v1/${keyPath}`, { method: "DELETE", headers: { "if-match": "*" }, as: testAdministrator });
  expect(await stateOf(last)).toBe("revoked");
});

test("stsSessionRoutes: a global administrator lists and revokes those of a tenant below it, nobody else does", async () => {
  const { issue, call, control, fetch } = await open();
  const [own = ""] = await issue(1);
  const key = await makeKey(control, { userName: "bob", tenant: "acme", policy: null });
  const user = [...control.publisher.entries("user").values()].find(({ name }) => name === "bob");
  const credential = { accessKeyId: key.accessKeyId, session: undefined };
  for (let count = 0; count < 2; count++) await control.calls.answer({ ...call, credential });
  const below = `/api/v1/tenants/${user?.tenantId}/sts-sessions`;
  const send = (path: string, init: RequestInit = {}) => fetch(path, { ...init, as: testAdministrator });
  const ids = async () =>
    (await (await send(below)).json()).items.map(({ sessionId }: { sessionId: string }) => sessionId);
  const [first, second] = await ids();
  expect((await send(`${below}/${own}`, { method: "DELETE" })).status).toBe(404);
  expect((await send(`${path}/${first}`, { method: "DELETE" })).status).toBe(404);
  expect((await send(`${below}/${first}`, { method: "DELETE" })).status).toBe(204);
  const states = async () => (await (await send(below)).json()).items.map(({ state }: { state: string }) => state);
  expect((await states()).toSorted()).toEqual(["active", "revoked"]);
  const body = JSON.stringify({ principalId: user?.userId });
  expect((await send(`${path}/revoke`, { method: "POST", body })).status).toBe(404);
  expect((await send(`${below}/revoke`, { method: "POST", body })).status).toBe(200);
  expect(await states()).toEqual(["revoked", "revoked"]);
  expect(second).not.toBe(first);
  expect((await send("/api/v1/tenants/nothing/sts-sessions")).status).toBe(404);
});

test("stsSessionRoutes: what is not there, not the tenant's or malformed", async () => {
  const { issue, revoke, remove, fetch, control } = await open();
  const [id = ""] = await issue(1);
  for (const unknown of ["ASIAABCDEFGHIJKLMNOP", "x", `${id}A`]) expect((await remove(unknown)).status).toBe(404);
  const foreign = { userId: "AIDAFOREIGNFOREIGN00", tenantId: "other", name: "f", path: "/", tags: [], groupIds: [] };
  const value = { ...foreign, policyIds: [], inlinePolicies: [], global: false, status: "active" } as const;
  await control.publisher.publish([{ kind: "user", id: foreign.userId, value: { ...value, boundaryPolicyId: null } }]);
  expect((await revoke({ principalId: foreign.userId })).status).toBe(404);
  expect((await revoke({ principalId: "AROAABCDEFGHIJKLMNOP" })).status).toBe(404);
  for (const body of [
    {},
    { principalId: "x" },
    { principalId: foreign.userId, before: "yesterday" },
    { principalId: foreign.userId, before: '"2026-01-01T00:00:00Z"' },
    { more: 1 },
  ]) {
    expect((await revoke(body)).status).toBe(400);
  }
  expect((await fetch(path)).status).toBe(401);
  expect((await fetch(`${path}/${id}`, { method: "DELETE" })).status).toBe(401);
});

test("StsSessions.list: by issue or end, both ways, in pages; `q` finds name, id and source identity", async () => {
  const opened = await openSts();
  const names = ["nightly", "Weekly", "other"];
  for (const [index, sessionName] of names.entries()) {
    const durationSeconds = [3600, 900, 1800][index];
    await issueSession(opened, assumeOrder({ sessionName, durationSeconds, sourceIdentity: `source-${index}` }));
    opened.clock.advance(1000);
  }
  const list = async (wanted: Partial<Parameters<typeof opened.sessions.list>[1]>) => {
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const given = { limit: 1, q: "", sort: undefined, ...wanted, cursor };
      const { items, nextCursor } = await opened.sessions.list(stsIds.tenantId, given);
      found.push(...items.map(({ sessionName }) => sessionName));
      if (nextCursor === null) return found;
      cursor = nextCursor;
    }
  };
  expect(await list({ sort: "issuedAt" })).toEqual(names);
  expect(await list({ sort: "-issuedAt" })).toEqual(names.toReversed());
  expect(await list({ sort: "expiresAt" })).toEqual(["Weekly", "other", "nightly"]);
  expect(await list({ sort: "-expiresAt" })).toEqual(["nightly", "other", "Weekly"]);
  expect(await list({ q: "WEEK" })).toEqual(["Weekly"]);
  expect(await list({ q: "source-2" })).toEqual(["other"]);
  expect(await list({ q: "%" })).toEqual([]);
});
