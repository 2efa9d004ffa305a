import { afterEach, expect, test } from "bun:test";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

/** A console whose administrator made a second one, who has neither password nor key. */
async function open() {
  const opened = await openConsole({ "security.ratelimit_enabled": false });
  const root = await opened.loggedIn();
  const call = (method: string, path: string, body?: object) =>
    root.call(path, { method, headers: { "if-match": "*" }, ...(body && { body }) });
  const first: string = (await call("GET", "users?q=admin")).body.items[0].userId;
  const second: string = (await call("POST", "users", { name: "second" })).body.userId;
  expect((await call("PUT", `users/${second}/global`, { global: true })).status).toBe(200);
  /** What is answered to each way of losing the first one; none of them may succeed. */
  const lose = async () => [
    (await call("POST", `users/${first}/suspend`)).status,
    (await call("PUT", `users/${first}/global`, { global: false })).status,
    (await call("DELETE", `users/${first}`)).status,
  ];
  return { ...opened, call, first, second, lose };
}

const stays = [409, 409, 409];

test("requireAdministrator: one who has neither password nor key, or is suspended, is no other", async () => {
  const { call, second, lose, first } = await open();
  expect(await lose()).toEqual(stays);
  const key = (await call("POST", "access-keys", { userName: "second" })).body.accessKeyId;
  for (const useless of [
    { enabled: false },
    { enabled: true, expiresAt: "2999-01-01T00:00:00Z" },
    {
      ...{ enabled: true, expiresAt: null },
      policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    },
  ]) {
    expect((await call("PATCH", `access-keys/${key}`, useless)).status).toBe(200);
    expect(await lose()).toEqual(stays);
  }
  expect((await call("PATCH", `access-keys/${key}`, { policy: null })).status).toBe(200);
  expect((await call("POST", `users/${second}/suspend`)).status).toBe(200);
  expect(await lose()).toEqual(stays);
  expect((await call("POST", `users/${second}/resume`)).status).toBe(200);
  expect((await call("POST", `users/${first}/suspend`)).status).toBe(200);
});

test("requireAdministrator: the last key stays as long as no password works, and is free when one does", async () => {
  const { call, second, clock, fetch } = await open();
  const as = testAdministrator;
  const own = `/api/v1/access-keys/${as.accessKeyId}`;
  const send = async (method: string, body?: object) =>
    (await fetch(own, { method, as, headers: { "if-match": "*" }, ...(body && { body: JSON.stringify(body) }) }))
      .status;
  const { userId } = (await (await fetch("/api/v1/me", { as })).json()) as { userId: string };
  const reset = (id: string) => fetch(`/api/v1/users/${id}/password-reset`, { method: "POST", body: "{}", as });
  expect((await reset(userId)).status).toBe(200);
  clock.advance(72 * 3_600_000 + 1);
  expect(await send("DELETE")).toBe(409);
  const policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';
  for (const patch of [{ enabled: false }, { policy }, { expiresAt: "2999-01-01T00:00:00Z" }])
    expect(await send("PATCH", patch)).toBe(409);
  expect(await send("PATCH", { description: "mine" })).toBe(200);
  expect((await reset(second)).status).toBe(200);
  expect(await send("DELETE")).toBe(204);
  expect((await call("GET", "users")).status).toBe(401);
});

test("requireAdministrator: a password that works is enough, one that has run out is not", async () => {
  const { call, second, clock, fetch } = await open();
  const as = testAdministrator;
  expect((await call("POST", `users/${second}/password-reset`)).status).toBe(200);
  const { userId } = (await (await fetch("/api/v1/me", { as })).json()) as { userId: string };
  const suspend = () =>
    fetch(`/api/v1/users/${userId}/suspend`, { method: "POST", body: "{}", as, headers: { "if-match": "*" } });
  clock.advance(72 * 3_600_000 + 1);
  expect((await suspend()).status).toBe(409);
  clock.advance(-3_600_000);
  expect((await suspend()).status).toBe(200);
});

test("AccessKeys.remove: two administrators who remove each other's last key leave one", async () => {
  const { call, fetch } = await open();
  const made = (await call("POST", "access-keys", { userName: "second" })).body;
  const other = { accessKeyId: made.accessKeyId, secretKey: made.secretKey };
  const policies = "policies/consoleAdmin";
  const { items } = (await call("GET", "users?q=second")).body;
  expect((await call("PUT", `users/${items[0].userId}/${policies}`)).status).toBe(204);
  const remove = async (as: typeof other, { accessKeyId }: typeof other) =>
    (await fetch(`/api/v1/access-keys/${accessKeyId}`, { method: "DELETE", as })).status;
  const statuses = await Promise.all([remove(testAdministrator, other), remove(other, testAdministrator)]);
  // Whose key went first may be a stranger by then.
  const [done, refused] = statuses.toSorted();
  expect([done, refused === 409 || refused === 401]).toEqual([204, true]);
});
