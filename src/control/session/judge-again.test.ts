import { afterEach, expect, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { makeKey } from "#testing/make-key.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls } from "#testing/opened-control.ts";

afterEach(closeControls);

const body = JSON.stringify({ name: "late" });

/** A request whose last byte is held back until `finish`, which resolves with the answer's status. */
async function hold(port: number, [path, headers]: readonly [path: string, headers: readonly string[]]) {
  const socket = await new Promise<Socket>((done) => {
    const opened = createConnection({ port, host: "127.0.0.1" }, () => done(opened));
  });
  const head = [`POST /api/v1/${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, "Content-Type: application/json"];
  socket.write([...head, ...headers, `Content-Length: ${body.length}`, "", body.slice(0, -1)].join("\r\n"));
  const answer = new Promise<string>((done) => socket.once("data", (data) => done(data.toString("latin1"))));
  // The guard sees the head before anything is taken away.
  await Bun.sleep(50);
  return async () => {
    socket.write(body.slice(-1));
    const status = Number((await answer).split(" ")[1]);
    socket.destroy();
    return status;
  };
}

test("judgeAgain: what is taken from a caller while his body is on its way is taken from that call too", async () => {
  const { control, port, loggedIn, fetch } = await openConsole();
  const root = await loggedIn();
  const { tenantId } = (await root.call("tenants", { body: { slug: "acme" } })).body;
  const second = await makeKey(control, { userName: "second", policy: null });
  const { userId } = (await root.call("users?q=second")).body.items[0];
  const edit = { headers: { "if-match": "*" } };
  await root.call(`users/${userId}/policies/consoleAdmin`, { method: "PUT", ...edit });
  const flag = (global: boolean) => root.call(`users/${userId}/global`, { method: "PUT", body: { global }, ...edit });
  expect((await flag(true)).status).toBe(200);
  const basic = `Authorization: Basic ${btoa(`${second.accessKeyId}:${second.secretKey}`)}`;
  const { token } = (await root.call("me/tokens", { body: { name: "t" } })).body;
  const other = await loggedIn();
  const cookie = `Cookie: ${[...other.cookies].map(([name, value]) => `${name}=${value}`).join("; ")}`;
  const session = [cookie, `Origin: ${other.origin}`, `X-MaxIOFS-CSRF: ${other.csrfToken}`];

  const foreign = await hold(port, [`tenants/${tenantId}/users`, [basic]]);
  expect((await flag(false)).status).toBe(200);
  // Only keys of global administrators are taken here.
  expect(await foreign()).toBe(401);
  expect((await flag(true)).status).toBe(200);
  const byKey = await hold(port, ["users", [basic]]);
  const as = { accessKeyId: second.accessKeyId, secretKey: second.secretKey };
  expect((await fetch("/api/v1/users", { as })).status).toBe(200);
  expect((await root.call(`access-keys/${second.accessKeyId}`, { method: "DELETE" })).status).toBe(204);
  expect(await byKey()).toBe(401);
  const byToken = await hold(port, ["users", [`Authorization: Bearer ${token}`]]);
  const bySession = await hold(port, ["users", session]);
  const { items } = (await root.call("me/tokens")).body;
  await root.call(`me/tokens/${items[0].tokenId}`, { method: "DELETE" });
  expect(await byToken()).toBe(401);
  expect((await root.call("me/sessions", { method: "DELETE" })).body.revoked).toBe(1);
  expect(await bySession()).toBe(401);
  const names = (await root.call("users")).body.items.map(({ name }: { readonly name: string }) => name);
  expect(names.toSorted()).toEqual(["admin", "second"]);
});
