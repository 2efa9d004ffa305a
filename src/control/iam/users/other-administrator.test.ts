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

test("requireOtherAdministrator: one who has neither password nor key, or is suspended, is no other", async () => {
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

test("requireOtherAdministrator: a password that works is enough, one that has run out is not", async () => {
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
