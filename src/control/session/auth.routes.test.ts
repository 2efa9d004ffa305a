import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { makeKey } from "#testing/make-key.ts";
import { openConsole as open } from "#testing/opened-console.ts";
import { closeControls, testPassword } from "#testing/opened-control.ts";

afterEach(closeControls);

test("auth/login: a session, its cookie, the user behind it; log-out ends it", async () => {
  const { client, port } = await open();
  const user = client();
  const { status, headers, body } = await user.logIn("Admin", testPassword);
  expect(status).toBe(200);
  expect(headers.get("set-cookie")).toMatch(
    new RegExp(`^maxiofs-${port}=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Strict$`),
  );
  expect(headers.get("cache-control")).toBe("no-store");
  expect(body).toMatchObject({ userName: "admin", tenant: "default", global: true, mfa: false, duty: null });
  expect(JSON.stringify(body)).not.toContain(user.cookies.get(`maxiofs-${port}`) ?? "none");
  expect((await user.call("me")).body).toMatchObject({ userName: "admin", via: "console", freshProof: true });
  expect((await user.call("access-keys")).status).toBe(200);
  expect((await user.call("auth/session")).body).toMatchObject({ sessionId: body.sessionId, locked: false });
  const cookie = `maxiofs-${port}=${user.cookies.get(`maxiofs-${port}`)}`;
  expect((await user.call("auth/logout", { method: "POST" })).status).toBe(204);
  expect(user.cookies.size).toBe(0);
  expect((await user.call("me", { headers: { cookie } })).status).toBe(401);
});

test("auth/login: whatever is wrong, the answer is the same", async () => {
  const { client, control, clock, dataDir } = await open({ "security.max_failed_attempts": 2 });
  const alice = await makeKey(control, { userName: "alice", policy: null });
  const system = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
  const account = await control.logins.find("default", "alice");
  expect(account.userId).toBe(alice.userId);
  const { password: oneTime } = await control.logins.resetPassword(account, system);
  const answers: string[] = [];
  const attempt = async (body: object) => {
    const { status, headers, body: problem } = await client().call("auth/login", { body });
    const { requestId, ...rest } = problem;
    expect(headers.get("x-request-id")).toBe(requestId);
    const names = [...headers.keys()].toSorted().filter((name) => name !== "date");
    answers.push(JSON.stringify([status, rest, names, headers.get("content-length")]));
  };
  await attempt({ username: "nobody", password: testPassword });
  await attempt({ username: "admin", password: testPassword, tenant: "elsewhere" });
  await attempt({ username: "alice", password: "wrong" });
  await attempt({ username: "alice", password: "wrong".repeat(200) });
  await attempt({ username: "alice", password: oneTime });
  clock.advance(901_000);
  const database = new Database(join(dataDir, "control.db"));
  database.run("UPDATE users SET status = 'suspended' WHERE name = 'alice'");
  await attempt({ username: "alice", password: oneTime });
  database.run("UPDATE users SET status = 'active' WHERE name = 'alice'");
  database.close();
  expect((await client().logIn("alice", oneTime)).status).toBe(200);
  clock.advance(72 * 3_600_000);
  await attempt({ username: "alice", password: oneTime });
  expect(new Set(answers).size).toBe(1);
  expect(JSON.parse(answers[0] ?? "")[1]).toMatchObject({ code: "LogInFailed", status: 401 });
});

test("suspended: user or tenant, no log-in, session or token gets through; resumed, they do", async () => {
  const { client, loggedIn, dataDir } = await open();
  const user = await loggedIn();
  const { token } = (await user.call("me/tokens", { body: { name: "ci" } })).body;
  const database = new Database(join(dataDir, "control.db"));
  const statuses = async () => [
    (await client().logIn("admin", testPassword)).status,
    (await user.call("me")).status,
    (await client().call("me", { headers: { authorization: `Bearer ${token}` } })).status,
  ];
  for (const table of ["users", "tenants"] as const) {
    const set = { users: "UPDATE users SET status = ?", tenants: "UPDATE tenants SET status = ?" }[table];
    database.run(set, ["suspended"]);
    expect([table, await statuses()]).toEqual([table, [401, 401, 401]]);
    database.run(set, ["active"]);
    expect([table, await statuses()]).toEqual([table, [200, 200, 200]]);
  }
  database.close();
});

test("auth/login: bad requests name the part and never show what was typed", async () => {
  const { client, lines } = await open();
  const secret = "My-Typed-Secret-1";
  for (const body of [
    {},
    { username: "admin" },
    { username: "admin", password: "" },
    { username: "admin", password: 1 },
    { username: "admin", password: secret, remember: true },
    { username: "admin", password: secret, tenant: "UPPER" },
    { username: "a".repeat(65), password: secret },
    { username: "admin", password: secret.repeat(100) },
  ]) {
    const { status, body: problem } = await client().call("auth/login", { body });
    expect([JSON.stringify(body), status, problem.code]).toEqual([JSON.stringify(body), 400, "InvalidRequest"]);
    expect(JSON.stringify(problem)).not.toContain(secret);
  }
  await client().logIn(secret, secret);
  expect(lines.join()).not.toContain(secret);
  expect((await client().call("auth/login", { body: {}, headers: { "content-type": "text/plain" } })).status).toBe(415);
});

test("auth/login: an id that was planted before is never taken over", async () => {
  const { client, port } = await open();
  const name = `maxiofs-${port}`;
  const planted = "A".repeat(43);
  const user = client();
  user.cookies.set(name, planted);
  expect((await user.logIn("admin", testPassword)).status).toBe(200);
  expect(user.cookies.get(name)).not.toBe(planted);
  expect((await client().call("me", { headers: { cookie: `${name}=${planted}` } })).status).toBe(401);
  const own = user.cookies.get(name);
  const two = await client().call("me", { headers: { cookie: `${name}=${planted}; ${name}=${own}` } });
  expect(two.status).toBe(401);
  const first = user.cookies.get(name);
  await user.logIn("admin", testPassword);
  expect(user.cookies.get(name)).not.toBe(first);
});

test("auth: every flipped bit of a session's id is refused", async () => {
  const { loggedIn, client, port } = await open();
  const id = (await loggedIn()).cookies.get(`maxiofs-${port}`) ?? "";
  const bytes = Buffer.from(id);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const text = flipped.toString("latin1");
    if (!/^[\x21-\x7e]+$/.test(text)) continue;
    const { status } = await client().call("me", { headers: { cookie: `maxiofs-${port}=${text}` } });
    expect([text, status]).toEqual([text, 401]);
  }
});

test("auth: a session's changes need its CSRF token and the console's Origin", async () => {
  const { loggedIn, port } = await open();
  const user = await loggedIn();
  const other = await loggedIn();
  const status = async (headers: Record<string, string | undefined>) =>
    (await user.call("me/sessions", { method: "DELETE", headers })).status;
  expect(await status({ "x-maxiofs-csrf": undefined })).toBe(403);
  expect(await status({ "x-maxiofs-csrf": "A".repeat(43) })).toBe(403);
  expect(await status({ "x-maxiofs-csrf": other.csrfToken })).toBe(403);
  for (const origin of [
    undefined,
    "null",
    "https://evil.example",
    `http://127.0.0.1:${port + 1}`,
    `http://127.0.0.1:${port}.evil.example`,
    `http://evil.example/127.0.0.1:${port}`,
    `ftp://127.0.0.1:${port}`,
    "not a url",
  ]) {
    expect([origin, await status({ origin })]).toEqual([origin, 403]);
  }
  expect((await other.call("me")).status).toBe(200);
  expect(await status({})).toBe(200);
  expect((await other.call("me")).status).toBe(401);
});

test("auth/login: a page of another origin logs nobody in; programs without Origin do", async () => {
  const { client, port } = await open();
  const foreign = await client().logIn("admin", testPassword, { origin: `http://127.0.0.1:${port + 1}` });
  expect([foreign.status, foreign.body.code]).toEqual([403, "ForeignOrigin"]);
  expect((await client().logIn("admin", testPassword, { origin: undefined })).status).toBe(200);
});

test("auth: behind TLS the cookie is bound to the host and to TLS", async () => {
  const { client, port } = await open({ "server.public_console_url": "https://console.example" });
  const headers = { host: "console.example", origin: "https://console.example" };
  const { headers: answer } = await client().logIn("admin", testPassword, headers);
  expect(answer.get("set-cookie")).toMatch(new RegExp(`^__Host-maxiofs-${port}=.*; SameSite=Strict; Secure$`));
  const plain = await client().logIn("admin", testPassword);
  expect(plain.headers.get("set-cookie")).toStartWith(`maxiofs-${port}=`);
  const unsafe = await client().logIn("admin", testPassword, { ...headers, origin: "http://console.example" });
  expect([unsafe.status, unsafe.body.code]).toEqual([403, "ForeignOrigin"]);
});

test("auth: X-Forwarded-Proto says TLS when a trusted proxy sends it, and from nobody else", async () => {
  const headers = { "x-forwarded-proto": "https" };
  const prefixOf = async (trusted: string[]) => {
    const { client } = await open({ "server.trusted_proxies": trusted });
    return ((await client().logIn("admin", testPassword, headers)).headers.get("set-cookie") ?? "").slice(0, 7);
  };
  expect(await prefixOf(["127.0.0.1"])).toBe("__Host-");
  expect(await prefixOf(["10.0.0.0/8"])).toBe("maxiofs");
});

test("sessions: a new id every access_token_lifetime; the old one counts until the new one arrived", async () => {
  const { loggedIn, client, clock, port } = await open({ "security.session_idle_lock": 86_400 });
  const name = `maxiofs-${port}`;
  const user = await loggedIn();
  const first = user.cookies.get(name);
  const withId = (id: string | undefined) => client().call("me", { headers: { cookie: `${name}=${id}` } });
  clock.advance(899_000);
  expect((await user.call("me")).headers.get("set-cookie")).toBeNull();
  clock.advance(1000);
  const lost = await withId(first);
  expect(lost.headers.get("set-cookie")).toStartWith(`${name}=`);
  expect((await withId(first)).headers.get("set-cookie")).toBeNull();
  clock.advance(60_000);
  expect((await user.call("me")).status).toBe(200);
  const second = user.cookies.get(name);
  expect(second).not.toBe(first);
  clock.advance(59_000);
  expect((await withId(first)).status).toBe(200);
  clock.advance(1000);
  expect((await withId(second)).status).toBe(200);
  expect((await withId(first)).status).toBe(401);
  expect((await user.call("me/sessions", { method: "DELETE" })).status).toBe(200);
});

test("sessions: idle ones lock, only unlock and log-out answer; then they end", async () => {
  const { loggedIn, clock } = await open();
  const user = await loggedIn();
  const background = { "x-maxiofs-background": "1" };
  clock.advance(899_000);
  expect((await user.call("me", { headers: background })).status).toBe(200);
  clock.advance(1000);
  const locked = await user.call("me");
  expect([locked.status, locked.body.code]).toEqual([423, "SessionLocked"]);
  expect((await user.call("access-keys")).status).toBe(423);
  expect((await user.call("auth/session")).body).toMatchObject({ locked: true });
  expect((await user.call("auth/confirm", { body: { password: testPassword } })).status).toBe(423);
  expect((await user.call("auth/unlock", { body: { password: "wrong" } })).status).toBe(401);
  expect((await user.call("me")).status).toBe(423);
  expect((await user.call("auth/unlock", { body: { password: testPassword } })).body).toMatchObject({ locked: false });
  expect((await user.call("me")).status).toBe(200);
  expect((await user.call("auth/lock", { method: "POST" })).status).toBe(204);
  expect((await user.call("me")).status).toBe(423);
  clock.advance(1_799_000);
  expect((await user.call("auth/session")).status).toBe(200);
  clock.advance(1000);
  expect((await user.call("auth/session")).status).toBe(401);
});

test("sessions: session_timeout ends those in use too", async () => {
  const { loggedIn, clock } = await open({ "security.session_timeout": 3600 });
  const user = await loggedIn();
  for (let minute = 10; minute < 60; minute += 10) {
    clock.advance(600_000);
    expect((await user.call("me")).status).toBe(200);
  }
  clock.advance(600_000);
  expect((await user.call("me")).status).toBe(401);
});

test("auth/confirm: a fresh proof, a new id, the old one is worth nothing", async () => {
  const { loggedIn, client, clock, port } = await open();
  const user = await loggedIn();
  const old = user.cookies.get(`maxiofs-${port}`);
  clock.advance(600_001);
  const body = { password: "Another-Horse-9" };
  const stale = await user.call("me/password", { body });
  expect([stale.status, stale.body.code]).toEqual([403, "FreshProofWanted"]);
  expect((await user.call("auth/confirm", { body: {} })).status).toBe(400);
  expect((await user.call("auth/confirm", { body: { password: testPassword, code: "000000" } })).status).toBe(400);
  expect((await user.call("auth/confirm", { body: { password: "wrong" } })).status).toBe(401);
  expect((await user.call("auth/confirm", { body: { password: testPassword } })).status).toBe(200);
  expect((await client().call("me", { headers: { cookie: `maxiofs-${port}=${old}` } })).status).toBe(401);
  expect((await user.call("me/password", { body })).status).toBe(204);
});

test("auth/confirm and auth/unlock: failures count as those of a log-in do; the session goes on", async () => {
  const { loggedIn, clock } = await open({ "security.max_failed_attempts": 2 });
  const user = await loggedIn();
  const send = async (path: string, password: string) => (await user.call(path, { body: { password } })).status;
  expect([await send("auth/confirm", "wrong"), await send("auth/confirm", "wrong")]).toEqual([401, 401]);
  expect(await send("auth/confirm", testPassword)).toBe(401);
  expect((await user.call("me")).status).toBe(200);
  clock.advance(899_999);
  await user.call("auth/lock", { method: "POST" });
  expect(await send("auth/unlock", testPassword)).toBe(401);
  clock.advance(1);
  expect(await send("auth/unlock", testPassword)).toBe(200);
});

test("RateLimit: calls of a session are counted and told, too many are refused", async () => {
  const { loggedIn } = await open({ "security.ratelimit_api_per_second": 3 });
  const user = await loggedIn();
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await user.call("me"));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(answers.map(({ headers }) => headers.get("ratelimit-remaining"))).toEqual(["2", "1", "0", "0"]);
  expect(answers[3]?.headers.get("ratelimit-limit")).toBe("3");
  expect(answers[3]?.headers.get("ratelimit-reset")).toBe("1");
  expect(answers[3]?.headers.get("retry-after")).toBe("1");
});

test("RateLimit: calls of an API token are counted by themselves, too many are refused", async () => {
  const { loggedIn, fetch, clock } = await open({ "security.ratelimit_api_per_second": 3 });
  const user = await loggedIn();
  const { token } = (await user.call("me/tokens", { body: { name: "ci" } })).body;
  const { token: other } = (await user.call("me/tokens", { body: { name: "cd" } })).body;
  const ask = async (bearer: string) =>
    (await fetch("/api/v1/me", { headers: { authorization: `Bearer ${bearer}` } })).status;
  expect([await ask(token), await ask(token), await ask(token), await ask(token)]).toEqual([200, 200, 200, 429]);
  expect(await ask(other)).toBe(200);
  clock.advance(1000);
  expect(await ask(token)).toBe(200);
});

test("sessions: the request that gets a new id locks and proves as any other does", async () => {
  const settings = { "security.access_token_lifetime": 60, "security.session_idle_lock": 86_400 };
  const { clock, loggedIn } = await open(settings);
  for (const path of ["auth/lock", "auth/confirm"]) {
    const browser = await loggedIn();
    const [before] = [...browser.cookies.values()];
    clock.advance(61_000);
    const body = path === "auth/confirm" ? { password: testPassword } : {};
    const { status } = await browser.call(path, { body });
    expect([path, status]).toEqual([path, path === "auth/lock" ? 204 : 200]);
    expect([...browser.cookies.values()]).not.toEqual([before]);
    expect((await browser.call("auth/session")).body).toMatchObject({ locked: path === "auth/lock" });
  }
});
