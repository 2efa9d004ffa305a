import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { FakeClock } from "#testing/fake-clock.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls } from "#testing/opened-control.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import type { Caller } from "../http/caller.ts";
import {
  IdempotencyKeys,
  idempotencyLifeMs,
  maxIdempotencyKeyLength,
  maxIdempotencyKeys,
  maxKeptAnswerLength,
} from "./idempotency-keys.ts";

afterEach(closeControls);

interface Credentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

const testCaller: Caller = {
  ...{
    userId: "U",
    userName: "u",
    tenantId: "T",
    global: false,
    via: "console",
    narrowing: [],
    mfa: false,
    freshProof: true,
    secure: false,
  },
  ...{ address: "::1", agent: "test", requestId: "R" },
};
const fillSql =
  "INSERT INTO idempotency_keys (principal, idempotency_key, sealed, is_answered, created_at_ms) VALUES (?, ?, '', 1, ?)";
const noLog = { error: () => {} };
const requireAllowed = () => {};
const nobody = { entries: () => new Map<string, never>() };
const keyed = (key: string) => ({ "idempotency-key": key });

async function open() {
  const opened = await openConsole({ "security.ratelimit_enabled": false });
  const browser = await opened.loggedIn();
  const names = async () => {
    const { body } = await browser.call("users");
    return body.items.map(({ name }: { readonly name: string }) => name).toSorted();
  };
  const rows = new Database(join(opened.dataDir, "control.db"));
  return { ...opened, browser, names, rows };
}

test("Idempotency-Key: the same call again has the same answer and happens once; another body is refused", async () => {
  const { browser, names } = await open();
  const order = { body: { name: "carol" }, headers: keyed("order-1") };
  const first = await browser.call("users", order);
  const second = await browser.call("users", order);
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body).toEqual(first.body);
  expect(second.headers.get("location")).toBe(first.headers.get("location"));
  expect(second.headers.get("etag")).toBe(first.headers.get("etag"));
  expect([first.headers.get("idempotency-replayed"), second.headers.get("idempotency-replayed")]).toEqual([
    null,
    "true",
  ]);
  expect(await names()).toEqual(["admin", "carol"]);
  const other = await browser.call("users", { body: { name: "dave" }, headers: keyed("order-1") });
  expect([other.status, other.body.code]).toEqual([422, "IdempotencyKeyReused"]);
  const elsewhere = await browser.call("groups", { body: { name: "carol" }, headers: keyed("order-1") });
  expect(elsewhere.status).toBe(422);
});

test("Idempotency-Key: a secret shown once is shown to the repeated call, and stands nowhere in plain text", async () => {
  const { browser, rows } = await open();
  const order = { body: { userName: "admin" }, headers: keyed("a-key") };
  const [first, second] = [await browser.call("access-keys", order), await browser.call("access-keys", order)];
  expect(first.body.secretKey.length).toBeGreaterThan(20);
  expect(second.body.secretKey).toBe(first.body.secretKey);
  const kept = rows.query("SELECT * FROM idempotency_keys").all();
  expect(kept).toHaveLength(1);
  expect(JSON.stringify(kept)).not.toContain(first.body.secretKey);
});

test("Idempotency-Key: a refused call is forgotten and may be tried again; calls at once happen once", async () => {
  const { browser, names } = await open();
  const headers = keyed("retry");
  expect((await browser.call("users", { body: { name: "admin" }, headers })).status).toBe(409);
  expect((await browser.call("users", { body: { name: "erin" }, headers })).status).toBe(201);
  const calls = Array.from({ length: 8 }, async () =>
    browser.call("users", { body: { name: "frank" }, headers: keyed("at-once") }),
  );
  const statuses = (await Promise.all(calls)).map(({ status }) => status);
  expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([]);
  expect(statuses).toContain(201);
  expect(await names()).toEqual(["admin", "erin", "frank"]);
});

test("Idempotency-Key: steps of a session and calls that only read take none, and keep nothing", async () => {
  const { browser, loggedIn, rows } = await open();
  const other = await loggedIn();
  for (const client of [browser, other]) {
    const lock = await client.call("auth/lock", { method: "POST", headers: keyed("lock") });
    expect([lock.status, lock.headers.get("idempotency-replayed")]).toEqual([204, null]);
    expect((await client.call("users")).status).toBe(423);
  }
  const third = await loggedIn();
  const document = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  expect((await third.call("policies/validate", { body: { document }, headers: keyed("v") })).status).toBe(200);
  expect(rows.query("SELECT * FROM idempotency_keys").all()).toEqual([]);
});

test("Idempotency-Key: whoever has lost the right since does not see the kept answer", async () => {
  const { browser, loggedIn } = await open();
  const order = { body: { userName: "admin" }, headers: keyed("before") };
  const first = await browser.call("access-keys", order);
  const { userId } = first.body;
  const deny = { Effect: "Deny", Action: "iam:CreateAccessKey", Resource: "*" };
  const document = JSON.stringify({ Version: "2012-10-17", Statement: deny });
  const path = `users/${userId}/inline-policies/no-keys`;
  const put = { method: "PUT", body: { document }, headers: { "if-match": "*" } };
  expect((await browser.call(path, put)).status).toBe(204);
  const second = await (await loggedIn()).call("access-keys", order);
  expect([second.status, second.body.code]).toEqual([403, "Forbidden"]);
  expect(JSON.stringify(second.body)).not.toContain(first.body.secretKey);
});

test("Idempotency-Key: after 24 hours the key is free, and upkeep removes it", async () => {
  const { browser, clock, loggedIn } = await open();
  await browser.call("users", { body: { name: "carol" }, headers: keyed("old") });
  clock.advance(idempotencyLifeMs);
  const later = await loggedIn();
  expect((await later.call("users", { body: { name: "dave" }, headers: keyed("old") })).status).toBe(201);
});

test("IdempotencyKeys.runUpkeep: removes what is a day old, and nothing younger", async () => {
  const { rows, dataDir } = await open();
  const clock = new FakeClock();
  const fill = rows.query(fillSql);
  fill.run("user", "young", clock.nowMs() - idempotencyLifeMs + 1);
  fill.run("user", "old", clock.nowMs() - idempotencyLifeMs);
  const database = await openControlDatabase(dataDir);
  const sealer = { seal: () => "", open: () => new Uint8Array() };
  await new IdempotencyKeys({ database, sealer, clock, log: noLog, publisher: nobody }).runUpkeep();
  await database.close();
  expect(rows.query("SELECT idempotency_key FROM idempotency_keys").all()).toEqual([{ idempotency_key: "young" }]);
});

test("Idempotency-Key: keys have 1 to 255 visible characters, and a caller 1,000 of them", async () => {
  const { browser, rows, clock } = await open();
  const make = async (name: string, key: string) =>
    (await browser.call("users", { body: { name }, headers: keyed(key) })).status;
  expect(await make("a", "x".repeat(maxIdempotencyKeyLength))).toBe(201);
  expect(await make("b", "x".repeat(maxIdempotencyKeyLength + 1))).toBe(400);
  expect(await make("b", "two words")).toBe(400);
  const { principal } = Object(rows.query("SELECT principal FROM idempotency_keys").get());
  const fill = rows.query(fillSql);
  rows.transaction(() => {
    for (let number = 2; number < maxIdempotencyKeys; number += 1) fill.run(principal, `k${number}`, clock.nowMs());
  })();
  expect(await make("b", "the-last")).toBe(201);
  expect(await make("c", "one-more")).toBe(429);
});

test("Idempotency-Key: a token does not see its user's answers; reads and public calls have no use for it", async () => {
  const { browser, fetch, client } = await open();
  const order = { body: { userName: "admin" }, headers: keyed("mine") };
  const first = await browser.call("access-keys", order);
  const token = (await browser.call("me/tokens", { body: { name: "ci" } })).body.token;
  const headers = { ...keyed("mine"), authorization: `Bearer ${token}`, "content-type": "application/json" };
  const asked = await fetch("/api/v1/access-keys", { method: "POST", headers, body: JSON.stringify(order.body) });
  // It may not make keys; an answer that was kept would have come before that was asked.
  expect(asked.status).toBe(403);
  expect(await asked.text()).not.toContain(first.body.secretKey);
  expect((await browser.call("users", { headers: keyed("mine") })).status).toBe(200);
  expect(
    (await client().call("auth/login", { body: { username: "x", password: "y" }, headers: keyed("mine") })).status,
  ).toBe(401);
});

test("IdempotencyKeys.settle: answers of up to 256 Ki characters are kept; the key of a longer one answers 409", async () => {
  const { dataDir } = await open();
  const database = await openControlDatabase(dataDir);
  const sealer = {
    seal: (bytes: Uint8Array) => Buffer.from(bytes).toString("base64"),
    open: (sealed: string) => new Uint8Array(Buffer.from(sealed, "base64")),
  };
  const keys = new IdempotencyKeys({ database, sealer, clock: new FakeClock(), log: noLog, publisher: nobody });
  const ask = async (key: string) => {
    const request = new Request("http://localhost/api/v1/things", { method: "POST", headers: keyed(key) });
    return {
      request,
      found: await keys.begin({
        request,
        action: "iam:CreateUser",
        caller: testCaller,
        body: undefined,
        requireAllowed,
      }),
    };
  };
  const answerOf = async (length: number) => {
    const { request } = await ask(`of-${length}`);
    const text = "x".repeat(length);
    expect(await (await keys.settle(request, new Response(text, { status: 201 }))).text()).toBe(text);
    return (await ask(`of-${length}`)).found?.text();
  };
  expect(await answerOf(maxKeptAnswerLength)).toHaveLength(maxKeptAnswerLength);
  expect(await answerOf(maxKeptAnswerLength + 1).catch(({ code }) => code)).toBe("Conflict");
  await database.close();
});

test("Idempotency-Key: an access key does not see the answers of another one of its user", async () => {
  const { browser, fetch, names } = await open();
  const make = async (): Promise<Credentials> =>
    (await browser.call("access-keys", { body: { userName: "admin" } })).body;
  const ask = async (keys: Credentials) => {
    const authorization = `Basic ${btoa(`${keys.accessKeyId}:${keys.secretKey}`)}`;
    const headers = { ...keyed("same"), authorization };
    return (await fetch("/api/v1/users", { method: "POST", headers, body: JSON.stringify({ name: "gina" }) })).status;
  };
  const [first, second] = [await make(), await make()];
  expect([await ask(first), await ask(first), await ask(second)]).toEqual([201, 201, 409]);
  expect(await names()).toEqual(["admin", "gina"]);
});

test("IdempotencyKeys.settle: an answer that cannot be kept is sent all the same, and told in the log", async () => {
  const { dataDir } = await open();
  const database = await openControlDatabase(dataDir);
  const sealer = { seal: () => "sealed", open: () => new Uint8Array() };
  const lines: string[] = [];
  const log = { error: (message: string) => void lines.push(message) };
  const keys = new IdempotencyKeys({ database, sealer, clock: new FakeClock(), log, publisher: nobody });
  const request = new Request("http://localhost/api/v1/things", { method: "POST", headers: keyed("full") });
  await keys.begin({ request, action: "iam:CreateUser", caller: testCaller, body: undefined, requireAllowed });
  database.run = () => Promise.reject(new Error("The disk is full"));
  const answer = await keys.settle(request, new Response('{"secretKey":"once"}', { status: 201 }));
  expect([answer.status, await answer.text(), lines]).toEqual([
    201,
    '{"secretKey":"once"}',
    ["An idempotent answer could not be kept"],
  ]);
  await database.close();
});
