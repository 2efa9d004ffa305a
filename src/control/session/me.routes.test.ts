import { afterEach, expect, test } from "bun:test";
import { makeKey } from "#testing/make-key.ts";
import { openConsole as open } from "#testing/opened-console.ts";
import { closeControls, testAdministrator, testPassword } from "#testing/opened-control.ts";

afterEach(closeControls);

const system = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
const basic = { authorization: `Basic ${btoa(`${testAdministrator.accessKeyId}:${testAdministrator.secretKey}`)}` };

/** Opens a console in which `alice`, who is no administrator, has a password that must be changed. */
async function openWithAlice() {
  const opened = await open();
  await makeKey(opened.control, { userName: "alice", policy: null });
  const { password } = await opened.control.logins.resetPassword(
    await opened.control.logins.find("default", "alice"),
    system,
  );
  const alice = opened.client();
  expect((await alice.logIn("alice", password)).body).toMatchObject({ duty: "passwordChange", global: false });
  return { ...opened, alice, password };
}

test("me/password: one that was given must be changed before anything else", async () => {
  const { alice, client, password } = await openWithAlice();
  const refused = await alice.call("me");
  expect([refused.status, refused.body.code]).toEqual([403, "PasswordChangeWanted"]);
  expect((await alice.call("me/tokens", { body: { name: "t" } })).status).toBe(403);
  expect((await alice.call("me/password", { body: { password } })).body.errors).toEqual([
    { pointer: "/password", message: "The password must be another one" },
  ]);
  expect((await alice.call("me/password", { body: { password: "Alices-Own-Horse-1" } })).status).toBe(204);
  expect((await alice.call("me")).body).toMatchObject({ userName: "alice", global: false });
  expect((await alice.call("auth/session")).body.duty).toBeNull();
  expect((await alice.call("access-keys")).status).toBe(403);
  expect((await client().logIn("alice", password)).status).toBe(401);
  expect((await client().logIn("alice", "Alices-Own-Horse-1")).status).toBe(200);
});

test("me/password: rules are told, all at once; a change ends all other sessions", async () => {
  const { loggedIn, client } = await open();
  const [user, other] = [await loggedIn(), await loggedIn()];
  const { status, body } = await user.call("me/password", { body: { password: "admin" } });
  expect([status, body.code]).toEqual([400, "InvalidRequest"]);
  expect(body.errors.map(({ message }: { message: string }) => message)).toEqual([
    "The password must have at least 8 characters",
    "The password must have an upper-case letter",
    "The password must have a digit",
    "The password must not be the user's name",
    "The password is one of the most common ones",
  ]);
  expect((await other.call("me")).status).toBe(200);
  expect((await user.call("me/password", { body: { password: "Another-Horse-9" } })).status).toBe(204);
  expect((await user.call("me")).status).toBe(200);
  expect((await other.call("me")).status).toBe(401);
  expect((await client().logIn("admin", testPassword)).status).toBe(401);
});

test("require_2fa_admin: before enrolment nothing else is reachable", async () => {
  const { loggedIn } = await open({ "security.require_2fa_admin": true });
  const user = await loggedIn();
  const { status, body } = await user.call("access-keys");
  expect([status, body.code]).toEqual([403, "SecondFactorWanted"]);
  expect((await user.call("me/password", { body: { password: "Another-Horse-9" } })).status).toBe(403);
  expect((await user.call("me/totp", { method: "POST" })).status).toBe(201);
  expect((await user.call("access-keys", { headers: { cookie: undefined, ...basic } })).status).toBe(200);
});

test("me/sessions: listed and revoked, only the own ones", async () => {
  const { alice, loggedIn, client } = await openWithAlice();
  const [user, other] = [await loggedIn(), await loggedIn()];
  await user.logIn("admin", testPassword, { "user-agent": "x".repeat(1000) });
  const { items } = (await user.call("me/sessions")).body;
  expect(items).toHaveLength(3);
  expect(items.filter(({ current }: { current: boolean }) => current)).toHaveLength(1);
  expect(items[0]).toMatchObject({ address: "127.0.0.1", methods: ["password"], locked: false });
  expect(Math.max(...items.map(({ agent }: { agent: string }) => agent.length))).toBe(256);
  await alice.call("me/password", { body: { password: "Alices-Own-Horse-1" } });
  const [{ sessionId: foreign }] = (await alice.call("me/sessions")).body.items;
  for (const id of [foreign, "nothing", "%2e%2e"]) {
    expect((await user.call(`me/sessions/${id}`, { method: "DELETE" })).status).toBe(404);
  }
  expect((await alice.call("me")).status).toBe(200);
  const { sessionId } = (await other.call("auth/session")).body;
  expect((await user.call(`me/sessions/${sessionId}`, { method: "DELETE" })).status).toBe(204);
  expect((await other.call("me")).status).toBe(401);
  expect((await user.call("me/sessions", { method: "DELETE" })).body).toEqual({ revoked: 1 });
  expect((await client().call("me/sessions")).status).toBe(401);
});

test("me/tokens: shown once, used without cookie, never proof enough for what needs a fresh one", async () => {
  const { loggedIn, client, clock } = await open();
  const user = await loggedIn();
  const made = await user.call("me/tokens", { body: { name: "ci" } });
  expect(made.status).toBe(201);
  expect(made.body.token).toMatch(/^mxt_[0-9A-Za-z]{40}$/);
  expect(made.headers.get("location")).toBe(`/api/v1/me/tokens/${made.body.tokenId}`);
  expect(Date.parse(made.body.expiresAt) - clock.nowMs()).toBe(90 * 86_400_000);
  const listed = (await user.call("me/tokens")).body.items;
  expect(listed).toEqual([{ ...made.body, token: undefined }]);
  const headers = { authorization: `Bearer ${made.body.token}` };
  const call = (path: string, body?: object) => client().call(path, { headers, ...(body && { body }) });
  expect((await call("me")).body).toMatchObject({ via: "token", freshProof: false, userName: "admin" });
  expect((await call("access-keys")).status).toBe(200);
  expect((await call("access-keys", { userName: "bob" })).body.code).toBe("FreshProofWanted");
  expect((await call("users", { name: "bob" })).status).toBe(201);
  expect((await call("me/password", { password: "Another-Horse-9" })).body.code).toBe("FreshProofWanted");
  expect((await call("me/tokens", { name: "child" })).status).toBe(403);
  expect((await call("auth/session")).status).toBe(403);
  clock.advance(90 * 86_400_000 - 1);
  expect((await call("me")).status).toBe(200);
  clock.advance(1);
  expect((await call("me")).status).toBe(401);
});

test("me/tokens: every flipped bit, revoked ones and other schemes are refused", async () => {
  const { loggedIn, client } = await open();
  const user = await loggedIn();
  const { token, tokenId } = (await user.call("me/tokens", { body: { name: "ci" } })).body;
  const ask = async (authorization: string) => (await client().call("me", { headers: { authorization } })).status;
  expect(await ask(`Bearer ${token}`)).toBe(200);
  const bytes = Buffer.from(token);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const text = flipped.toString("latin1");
    if (/^[\x21-\x7e]+$/.test(text)) expect([text, await ask(`Bearer ${text}`)]).toEqual([text, 401]);
  }
  for (const header of ["Bearer", "Bearer ", `Basic ${token}`, token, `Bearer ${token} x`]) {
    expect([header, await ask(header)]).toEqual([header, 401]);
  }
  expect((await user.call(`me/tokens/${tokenId}`, { method: "DELETE" })).status).toBe(204);
  expect(await ask(`Bearer ${token}`)).toBe(401);
  expect((await user.call(`me/tokens/${tokenId}`, { method: "DELETE" })).status).toBe(404);
});

test("me/tokens: a policy narrows, and a narrowed token changes no identity", async () => {
  const { loggedIn, client } = await open();
  const user = await loggedIn();
  const make = async (statement: object) => {
    const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    const { body } = await user.call("me/tokens", { body: { name: "narrow", policy } });
    return (path: string, body2?: object) => {
      const headers = { authorization: `Bearer ${body.token}` };
      return client().call(path, { headers, ...(body2 && { body: body2 }) });
    };
  };
  const reader = await make({ Effect: "Allow", Action: ["iam:GetUser", "iam:ListAccessKeys"], Resource: "*" });
  expect((await reader("me")).status).toBe(200);
  expect((await reader("access-keys")).status).toBe(200);
  const refused = await reader("me/sessions");
  expect([refused.status, refused.body.detail]).toEqual([403, "The action maxiofs:ManageSessions is not allowed"]);
  const all = await make({ Effect: "Allow", Action: "*", Resource: "*" });
  expect((await all("access-keys")).status).toBe(200);
  expect((await all("access-keys", { userName: "bob" })).status).toBe(403);
  const denied = await make({ Effect: "Deny", Action: "iam:GetUser", Resource: "*" });
  expect((await denied("me")).status).toBe(403);
  const foreign = await make({ Effect: "Allow", Action: "*", Resource: "arn:aws:iam::*:user/somebody" });
  expect((await foreign("me")).status).toBe(403);
  const wrong = {
    '{"Statement":[{"Effect":"Maybe"}]}': /^\/policy\/Statement/,
    '{"Version":"2012-10-17","Version":"2012-10-17"}': /^\/policy/,
  };
  for (const [policy, pointer] of Object.entries(wrong)) {
    const bad = await user.call("me/tokens", { body: { name: "x", policy } });
    expect([bad.status, bad.body.errors[0].pointer]).toEqual([400, expect.stringMatching(pointer)]);
  }
});

test("me/tokens: days have bounds, users have at most 100 tokens", async () => {
  const { loggedIn } = await open({ "security.api_token_max_days": 30, "security.ratelimit_enabled": false });
  const user = await loggedIn();
  const make = async (days?: number) => (await user.call("me/tokens", { body: { name: "t", days } })).status;
  expect([await make(0), await make(1), await make(30), await make(31), await make(1.5)]).toEqual([
    400, 201, 201, 400, 400,
  ]);
  for (let i = 2; i < 100; i++) expect(await make()).toBe(201);
  expect(await make()).toBe(409);
  expect((await user.call("me/tokens", { body: { name: "a\nb" } })).status).toBe(400);
});

test("guard: HTTP Basic with an administrator's key works as before, beside a cookie too", async () => {
  const { loggedIn, client } = await open();
  const user = await loggedIn();
  expect((await client().call("me", { headers: basic })).body).toMatchObject({ via: "basic", freshProof: true });
  expect((await user.call("me", { headers: basic })).body).toMatchObject({ via: "basic" });
  expect((await client().call("auth/session", { headers: basic })).status).toBe(403);
  const wrong = { authorization: `Basic ${btoa(`${testAdministrator.accessKeyId}:wrong-wrong-wrong`)}` };
  expect((await user.call("me", { headers: wrong })).status).toBe(401);
});

test("guard: a page in a browser is never asked for HTTP Basic", async () => {
  const { client } = await open();
  const challenge = async (headers: Record<string, string>) =>
    (await client().call("me", { headers })).headers.get("www-authenticate");
  expect(await challenge({})).toStartWith("Basic");
  expect(await challenge({ "sec-fetch-site": "same-origin" })).toBe('Session realm="MaxIOFS"');
});

test("audit: what the guard refuses is recorded once a minute, with who asked for which action", async () => {
  const { alice, client, fetch } = await openWithAlice();
  await alice.call("me/password", { body: { password: "Alices-Own-Horse-1" } });
  for (let i = 0; i < 3; i++) await alice.call("access-keys");
  for (const authorization of [`Bearer mxt_${"A".repeat(40)}`, `Basic ${btoa("AKIANOBODY:My-Typed-Secret")}`]) {
    expect((await client().call("me", { headers: { authorization } })).status).toBe(401);
  }
  const answer = await fetch("/api/v1/audit/events?outcome=denied", { as: testAdministrator });
  const { items } = await answer.json();
  const denied = items.map(
    ({ actor, action, code, via, count }: Record<string, unknown> & { actor: { name: string } }) => [
      ...[actor.name, action, code, via, count],
    ],
  );
  expect(denied.toSorted()).toEqual([
    ["", "auth:Login", "Unauthorized", "api", undefined],
    ["", "auth:Login", "Unauthorized", "token", undefined],
    ["alice", "iam:ListAccessKeys", "Forbidden", "console", 3],
  ]);
  expect(JSON.stringify(items)).not.toContain("My-Typed-Secret");
});

test("me/permissions: what policies allow to the caller, narrowed for a token", async () => {
  const { alice, loggedIn, client } = await openWithAlice();
  await alice.call("me/password", { body: { password: "Alices-Own-Horse-1" } });
  const root = await loggedIn();
  const statement = { Effect: "Allow", Action: "iam:GetUser", Resource: "*" };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: statement });
  const { token } = (await root.call("me/tokens", { body: { name: "narrow", policy } })).body;
  const wanted = ["iam:GetUser O", "iam:ChangePassword O", "iam:ListAccessKeys T", "maxiofs:UpdateSettings G"];
  const ask = async (user: typeof root, headers = {}) => {
    const { items } = (await user.call("me/permissions", { headers })).body;
    const rights = new Map(
      items.map(({ action, scope, allowed }: Record<string, unknown>) => [`${action} ${scope}`, allowed]),
    );
    expect([...rights.keys()]).toEqual([...rights.keys()].toSorted());
    expect(rights.size).toBe(items.length);
    return wanted.map((name) => rights.get(name));
  };
  expect(await ask(root)).toEqual([true, true, true, true]);
  expect(await ask(alice)).toEqual([true, true, false, false]);
  expect(await ask(client(), { authorization: `Bearer ${token}` })).toEqual([true, false, false, false]);
});
