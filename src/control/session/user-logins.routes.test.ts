import { afterEach, expect, test } from "bun:test";
import { makeKey } from "#testing/make-key.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls, testAdministrator, testPassword } from "#testing/opened-control.ts";

afterEach(closeControls);

/** A console with `alice` of the tenant `default`, `bob` of `acme`, and the administrator logged in. */
async function open() {
  const opened = await openConsole({ "security.max_failed_attempts": 3 });
  const { logins } = opened.control;
  await makeKey(opened.control, { userName: "alice", policy: null });
  await makeKey(opened.control, { userName: "carol", policy: null });
  await makeKey(opened.control, { userName: "bob", tenant: "acme", policy: null });
  const find = async (tenant: string, name: string) => (await logins.find(tenant, name)).userId;
  const ids = {
    admin: await find("default", "admin"),
    alice: await find("default", "alice"),
    carol: await find("default", "carol"),
    bob: await find("acme", "bob"),
  };
  return { ...opened, root: await opened.loggedIn(), ids };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** Logs a user in with a password that the administrator made, and changes it. */
async function logInAs({ control, client }: Opened, name: "alice" | "bob") {
  const tenant = { alice: "default", bob: "acme" }[name];
  const system = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
  const { password } = await control.logins.resetPassword(await control.logins.find(tenant, name), system);
  const user = client();
  const { body } = await user.call("auth/login", { body: { tenant, username: name, password } });
  expect(body).toMatchObject({ userName: name, duty: "passwordChange" });
  expect((await user.call("me/password", { body: { password: "My-Own-Horse-77" } })).status).toBe(204);
  return user;
}

test("users/{id}/password-reset: a one-time password; sessions end, locks too; a fresh proof is wanted", async () => {
  const opened = await open();
  const { root, client, clock, ids } = opened;
  const alice = await logInAs(opened, "alice");
  for (let i = 0; i < 3; i++) await client().logIn("alice", "wrong");
  const again = await root.call(`users/${ids.alice}/password-reset`, { method: "POST" });
  expect([again.status, again.headers.get("cache-control")]).toEqual([200, "no-store"]);
  expect(Date.parse(again.body.expiresAt) - clock.nowMs()).toBe(72 * 3_600_000);
  expect((await alice.call("me")).status).toBe(401);
  expect((await client().logIn("alice", "My-Own-Horse-77")).status).toBe(401);
  expect((await client().logIn("alice", again.body.password)).status).toBe(200);
  clock.advance(600_001);
  for (const [method, path] of [
    ["POST", "password-reset"],
    ["DELETE", "second-factors"],
  ] as const) {
    expect((await root.call(`users/${ids.alice}/${path}`, { method })).body.code).toBe("FreshProofWanted");
  }
});

test("users/{id}: a password reset, and an end to all sessions, end the user's API tokens too", async () => {
  const opened = await open();
  const { root, client, ids } = opened;
  for (const [method, path] of [
    ["POST", "password-reset"],
    ["DELETE", "sessions"],
  ] as const) {
    const alice = await logInAs(opened, "alice");
    const { token } = (await alice.call("me/tokens", { body: { name: "kept" } })).body;
    const use = async () => (await client().call("me", { headers: { authorization: `Bearer ${token}` } })).status;
    expect([path, await use()]).toEqual([path, 200]);
    expect((await root.call(`users/${ids.alice}/${path}`, { method })).status).toBe(200);
    expect([path, await use()]).toEqual([path, 401]);
  }
});

test("users/{id}/password-reset: a user who is deleted meanwhile is told as missing", async () => {
  const { control } = await open();
  const gone = await control.logins.find("default", "carol");
  const system = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
  expect(control.logins.resetPassword({ ...gone, userId: "AIDAGONE" }, system)).rejects.toThrow("no such user");
});

test("users/{id}/sessions: administrators list them, end one, end all", async () => {
  const opened = await open();
  const { root, client, ids } = opened;
  const alice = await logInAs(opened, "alice");
  const other = client();
  await other.logIn("alice", "My-Own-Horse-77");
  const { items } = (await root.call(`users/${ids.alice}/sessions`)).body;
  expect(items.map(({ current }: { current: boolean }) => current)).toEqual([false, false]);
  const { sessionId } = (await other.call("auth/session")).body;
  const one = `users/${ids.alice}/sessions/${sessionId}`;
  expect((await root.call(one.replace(ids.alice, ids.bob), { method: "DELETE" })).status).toBe(404);
  expect((await root.call(one, { method: "DELETE" })).status).toBe(204);
  expect([(await other.call("me")).status, (await alice.call("me")).status]).toEqual([401, 200]);
  expect((await root.call(`users/${ids.alice}/sessions`, { method: "DELETE" })).body).toEqual({ revoked: 1 });
  expect((await alice.call("me")).status).toBe(401);
  expect((await root.call("me")).status).toBe(200);
});

test("users/{id}/unlock and second-factors: the user gets in again", async () => {
  const opened = await open();
  const { root, client, ids } = opened;
  await logInAs(opened, "alice");
  const elsewhere = () => client().logIn("alice", "My-Own-Horse-77");
  for (let i = 0; i < 3; i++) await client().logIn("alice", "wrong");
  expect((await elsewhere()).status).toBe(401);
  expect((await root.call(`users/${ids.alice}/unlock`, { method: "POST" })).status).toBe(204);
  expect((await elsewhere()).status).toBe(200);
  expect((await root.call(`users/${ids.alice}/second-factors`, { method: "DELETE" })).status).toBe(409);
});

test("tenants/{id}/users/{id}: a global administrator helps the users of a tenant, nobody else does", async () => {
  const opened = await open();
  const { root, ids, fetch, control, client } = opened;
  const bob = await logInAs(opened, "bob");
  const tenant = control.publisher.entries("user").get(ids.bob)?.tenantId ?? "";
  const below = `tenants/${tenant}/users`;
  expect((await root.call(`${below}/${ids.bob}/sessions`)).body.items).toHaveLength(1);
  expect((await bob.call(`${below}/${ids.bob}/sessions`)).status).toBe(200);
  expect((await root.call(`${below}/${ids.alice}/sessions`)).status).toBe(404);
  expect((await root.call(`tenants/nothing/users/${ids.bob}/sessions`)).status).toBe(404);
  const alice = await logInAs(opened, "alice");
  for (const [method, path] of [
    ["GET", "sessions"],
    ["POST", "password-reset"],
  ] as const)
    expect([path, (await alice.call(`${below}/${ids.bob}/${path}`, { method })).status]).toEqual([path, 404]);
  const { body, status } = await root.call(`${below}/${ids.bob}/password-reset`, { method: "POST" });
  expect(status).toBe(200);
  expect((await bob.call("me")).status).toBe(401);
  const login = { tenant: "acme", username: "bob", password: body.password };
  const again = client();
  expect((await again.call("auth/login", { body: login })).body.duty).toBe("passwordChange");
  expect((await root.call(`${below}/${ids.bob}/unlock`, { method: "POST" })).status).toBe(204);
  expect((await root.call(`${below}/${ids.bob}/second-factors`, { method: "DELETE" })).status).toBe(409);
  expect((await root.call(`${below}/${ids.bob}/sessions`, { method: "DELETE" })).body).toEqual({ revoked: 1 });
  const events = await fetch(`/api/v1/audit/events?tenant=${tenant}&actorName=admin`, { as: testAdministrator });
  const actions = (await events.json()).items.map(({ action }: { action: string }) => action);
  expect(actions.slice(0, 3)).toEqual(["maxiofs:ManageSessions", "maxiofs:UnlockUser", "iam:UpdateLoginProfile"]);
});

test("users/{id}: other tenants' users are not there, global administrators are touched by their like alone", async () => {
  const opened = await open();
  const { root, ids, fetch } = opened;
  const [alice, bob] = [await logInAs(opened, "alice"), await logInAs(opened, "bob")];
  const calls = [
    ["GET", "sessions"],
    ["DELETE", "sessions"],
    ["DELETE", "sessions/x"],
    ["POST", "unlock"],
    ["POST", "password-reset"],
    ["DELETE", "second-factors"],
  ] as const;
  for (const [method, path] of calls) {
    const ask = async (user: typeof alice, id: string) => (await user.call(`users/${id}/${path}`, { method })).status;
    expect([path, await ask(bob, ids.alice), await ask(bob, ids.admin)]).toEqual([path, 404, 404]);
    expect([path, await ask(root, ids.bob), await ask(root, "AIDANOBODY")]).toEqual([path, 404, 404]);
    expect([path, await ask(alice, ids.admin), await ask(alice, ids.carol)]).toEqual([path, 403, 403]);
  }
  const denied = await fetch("/api/v1/audit/events?outcome=denied&actorName=alice", { as: testAdministrator });
  expect((await denied.json()).items).toHaveLength(4);
  expect((await opened.client().logIn("admin", testPassword)).status).toBe(200);
});
