import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ConsoleClient } from "#testing/console-client.ts";
import { makeKey } from "#testing/make-key.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls, testAdministrator, testPassword } from "#testing/opened-control.ts";
import { tokenOrder } from "#testing/opened-sts.ts";

/** Ids by the segment of the path that stands before them. */
type Ids = Readonly<Record<string, string>>;

/** A route with an id in its path. */
interface Route {
  readonly method: string;
  readonly path: string;
  readonly isGlobal: boolean;
}

type Opened = Awaited<ReturnType<typeof openConsole>>;

const document = JSON.stringify({ Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } });
const trust = { Version: "2012-10-17", Statement: { Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" } };
/** Not ids of things: any value does. */
const plain: Ids = { versions: "1", "inline-policies": "own", settings: "logging.level" };
/** Bodies that the routes accept, by method and the last word of the path; `{}` for all others. */
const bodies: Readonly<Record<string, object>> = {
  "POST revoke": { principalId: "AIDAABCDEFGHIJKLMNOP" },
  "PUT inline-policies": { document },
  "POST versions": { document },
  "POST users": { name: "mallory" },
  "POST groups": { name: "mallory" },
  "POST roles": { name: "mallory", trustPolicy: JSON.stringify(trust) },
  "POST policies": { name: "mallory", document },
  "POST access-keys": { userName: "carol" },
  "POST validate": { document },
  "POST simulate": { policies: [document], actions: ["s3:GetObject"] },
  "PUT default-version": { version: 1 },
  "PUT global": { global: true },
  "PUT quota": { maxBytes: null, maxObjects: null },
};

let routes: readonly Route[];
/** Administrator of the tenant acme. */
let boss: ConsoleClient;
let foreign: Ids;
let own: Ids;

beforeAll(async () => {
  const opened = await openConsole({ "security.ratelimit_enabled": false });
  routes = opened.control.routes.flatMap(({ method, path, hooks: { detail } }) => {
    const scope: unknown = Object.getOwnPropertyDescriptor(detail ?? {}, "scope")?.value;
    return path.includes(":") ? [{ method, path, isGlobal: scope === "G" }] : [];
  });
  foreign = await fill(opened, "default", await logIn(opened, "default", "alice"));
  boss = await logIn(opened, "acme", "boss");
  own = await fill(opened, "acme", boss);
});
afterAll(closeControls);

/** A browser of a new user who may do everything in his tenant. */
async function logIn({ control, client, fetch }: Opened, tenant: string, username: string): Promise<ConsoleClient> {
  await makeKey(control, { userName: username, tenant, policy: null });
  const account = await control.logins.find(tenant, username);
  const path = `/api/v1/tenants/${account.tenantId}/users/${account.userId}/policies/consoleAdmin`;
  await fetch(path, { method: "PUT", headers: { "if-match": "*" }, body: "{}", as: testAdministrator });
  const system = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
  const { password } = await control.logins.resetPassword(account, system);
  const browser = client();
  await browser.call("auth/login", { body: { tenant, username, password } });
  await browser.call("me/password", { body: { password: testPassword } });
  return browser;
}

/** One thing of every kind in the tenant of the browser's user. */
async function fill({ control }: Opened, slug: string, browser: ConsoleClient): Promise<Ids> {
  const tenant = [...control.publisher.entries("tenant").values()].find((entry) => entry.slug === slug);
  const tenantId = tenant?.tenantId ?? "";
  const make = async (path: string, body: object) => (await browser.call(path, { body })).body;
  const { userId } = await make("users", { name: "carol" });
  const { groupId } = await make("groups", { name: "team" });
  const { policyId } = await make("policies", { name: "own", document });
  const { roleId } = await make("roles", { name: "reader", trustPolicy: JSON.stringify(trust) });
  const { accessKeyId } = await make("access-keys", { userName: "carol" });
  const { tokenId } = await make("me/tokens", { name: "walk" });
  const { sessionId } = (await browser.call("me/sessions")).body.items[0];
  const bucket = { kind: "createBucket", name: `photos-of-${slug}`, tenantId, region: "us-east-1", tags: [] } as const;
  await control.calls.answer(bucket);
  await control.calls.answer({
    ...{ kind: "issueSession", order: tokenOrder(), credential: { accessKeyId, session: undefined }, secure: false },
    origin: { accessKeyId, principalId: userId, principalName: "carol", requestId: "R", address: "::1", agent: "test" },
  });
  const stsId = (await browser.call("sts-sessions")).body.items[0]?.sessionId;
  const ids = {
    users: userId,
    members: userId,
    groups: groupId,
    policies: policyId,
    roles: roleId,
    sessions: sessionId,
  };
  const others = { "access-keys": accessKeyId, tokens: tokenId, buckets: bucket.name, "sts-sessions": stsId };
  const all: Record<string, string> = { ...ids, ...others, tenants: tenantId };
  for (const [kind, id] of Object.entries(all)) if (typeof id !== "string" || id === "") throw new Error(`No ${kind}`);
  return all;
}

/** An id of the same shape that nothing has: ids made in one millisecond follow each other, so not the last character. */
function unknownOf(id: string): string {
  return id.slice(0, -6) + (id.at(-6) === "2" ? "3" : "2") + id.slice(-5);
}

/** The path with ids in it. @throws Error for a kind of id that this walk does not know yet */
function withIds(path: string, idOf: (kind: string, position: number) => string | undefined): string {
  let position = 0;
  return path.replaceAll(/([a-z-]+)\/:\w+/g, (_, kind: string) => {
    const id = plain[kind] ?? idOf(kind, position++);
    if (id === undefined) throw new Error(`${path}: the walk over foreign ids has none for ${kind}`);
    return `${kind}/${encodeURIComponent(id)}`;
  });
}

async function send({ method, path }: Route, filled: string): Promise<string> {
  const words = path.split("/").filter((word) => word !== "" && !word.startsWith(":"));
  const body = bodies[`${method} ${words.at(-1)}`] ?? {};
  const answer = await boss.call(filled, { method, headers: { "if-match": "*" }, ...(method !== "GET" && { body }) });
  return JSON.stringify([answer.status, { ...answer.body, requestId: "" }]);
}

/** Routes that tell a foreign id from one that nothing has, or do not answer 404 (those of the whole server: 403). */
async function findTelling(of: readonly Route[], ownFirst: number): Promise<string[]> {
  const telling: string[] = [];
  for (const route of of) {
    const mine = (kind: string, position: number) => (position < ownFirst ? own[kind] : undefined);
    const asked = withIds(route.path, (kind, at) => mine(kind, at) ?? foreign[kind]);
    const missing = withIds(route.path, (kind, at) => mine(kind, at) ?? unknownOf(foreign[kind] ?? ""));
    const [answer, wanted] = [await send(route, asked), await send(route, missing)];
    const isRight = answer.startsWith(route.isGlobal ? "[403," : "[404,") && answer === wanted;
    if (!isRight) telling.push(`${route.method} ${route.path}: ${answer} ${wanted}`);
  }
  return telling;
}

test("routes: the own ids of the walk are found, so that 404 tells of the tenant and not of the path", async () => {
  const reads = routes.filter(({ method, isGlobal, path }) => {
    const kinds = [...path.matchAll(/([a-z-]+)\/:\w+/g)].map(([, kind = ""]) => kind);
    return method === "GET" && !isGlobal && kinds.every((kind) => plain[kind] === undefined);
  });
  expect(reads.length).toBeGreaterThan(15);
  const statuses = reads.map(async (route) => [
    route.path,
    await send(
      route,
      withIds(route.path, (kind) => own[kind]),
    ),
  ]);
  const others = (await Promise.all(statuses)).filter(([, answer = ""]) => /^.(403|404),/.test(answer));
  expect(others).toEqual([]);
});

test("routes: an id of another tenant answers 404 as one that nothing has, for every route with an id", async () => {
  expect(routes.length).toBeGreaterThan(80);
  expect(await findTelling(routes, 0)).toEqual([]);
});

test("routes: so does a foreign id behind an own one", async () => {
  const count = (path: string) => [...path.matchAll(/([a-z-]+)\/:\w+/g)].filter(([, kind = ""]) => !plain[kind]).length;
  const twofold = routes.filter(({ path }) => count(path) === 2 && !path.startsWith("/api/v1/tenants"));
  expect(twofold.length).toBeGreaterThan(5);
  expect(await findTelling(twofold, 1)).toEqual([]);
});

test("withIds: a route with a kind of id that is not filled in fails the walk", () => {
  expect(() => withIds("/api/v1/widgets/:id", (kind) => foreign[kind])).toThrow("widgets");
});
