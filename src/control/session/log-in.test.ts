import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { generateSync } from "otplib";
import { ConsoleClient } from "#testing/console-client.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { openConsole as open } from "#testing/opened-console.ts";
import { closeControl, closeControls, startControl, testAdministrator, testPassword } from "#testing/opened-control.ts";
import { elsewhereFactor } from "./failure-store.ts";
import type { SessionSettings } from "./session-settings.ts";

afterEach(closeControls);

function codeOf(secret: string, clock: FakeClock): string {
  return generateSync({ secret, epoch: Math.floor(clock.nowMs() / 1000) });
}

/** Sets the second factor up. @returns its secret and the recovery codes; the code of this moment is used up */
async function enroll(user: ConsoleClient, clock: FakeClock): Promise<{ secret: string; codes: string[] }> {
  const { status, body } = await user.call("me/totp", { method: "POST" });
  expect(status).toBe(201);
  const enabled = await user.call("me/totp/enable", { body: { code: codeOf(body.secret, clock) } });
  expect(enabled.status).toBe(200);
  return { secret: body.secret, codes: enabled.body.recoveryCodes };
}

async function openEnrolled(change: Partial<SessionSettings> = {}) {
  const opened = await open(change);
  const user = await opened.loggedIn();
  const enrolled = await enroll(user, opened.clock);
  opened.clock.advance(30_000);
  const firstStep = async (one = opened.client(), headers = {}) => {
    const { body } = await one.logIn("admin", testPassword, headers);
    expect(body).toEqual({ challengeId: expect.any(String), methods: ["totp", "recoveryCode"] });
    return body.challengeId;
  };
  const secondStep = (one: ConsoleClient, body: object, headers = {}) =>
    one.call("auth/second-factor", { body, headers });
  return { ...opened, ...enrolled, user, firstStep, secondStep };
}

test("second factor: the password alone opens nothing; with the code the session counts as two factors", async () => {
  const { client, clock, secret, firstStep, secondStep } = await openEnrolled();
  const user = client();
  const challengeId = await firstStep(user);
  expect(user.cookies.size).toBe(0);
  const { status, body } = await secondStep(user, { challengeId, code: codeOf(secret, clock) });
  expect([status, body.mfa, body.methods]).toEqual([200, true, ["password", "totp"]]);
  expect((await user.call("me")).body).toMatchObject({
    mfa: true,
    secondFactor: { totp: true, recoveryCodesLeft: 10 },
  });
});

test("second factor: without a challenge, a code is worth nothing", async () => {
  const { client, clock, secret, secondStep } = await openEnrolled();
  for (const challengeId of ["", "A".repeat(43), "x"]) {
    const { status, body } = await secondStep(client(), { challengeId, code: codeOf(secret, clock) });
    expect([status, body.code]).toEqual([401, "LogInFailed"]);
  }
  expect((await secondStep(client(), { challengeId: "x" })).status).toBe(400);
  expect((await secondStep(client(), { code: "123456" })).status).toBe(400);
});

test("second factor: no code works twice, not even with another challenge; no challenge works twice", async () => {
  const { client, clock, secret, firstStep, secondStep } = await openEnrolled();
  const [one, two] = [await firstStep(), await firstStep()];
  const code = codeOf(secret, clock);
  expect((await secondStep(client(), { challengeId: one, code })).status).toBe(200);
  expect((await secondStep(client(), { challengeId: two, code })).status).toBe(401);
  clock.advance(30_000);
  const next = codeOf(secret, clock);
  expect((await secondStep(client(), { challengeId: one, code: next })).status).toBe(401);
  expect((await secondStep(client(), { challengeId: two, code: next })).status).toBe(200);
});

test("second factor: of many at once with one code exactly one gets in", async () => {
  const { client, clock, secret, firstStep, secondStep } = await openEnrolled({ "security.max_failed_attempts": 100 });
  const code = codeOf(secret, clock);
  const challenges = [];
  for (let i = 0; i < 6; i++) challenges.push(await firstStep());
  const answers = await Promise.all(challenges.map((challengeId) => secondStep(client(), { challengeId, code })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

test("second factor: a code of one step away counts, of two it does not; a malformed one is a wrong one", async () => {
  const { client, clock, secret, firstStep, secondStep } = await openEnrolled({ "security.max_failed_attempts": 100 });
  clock.advance(300_000);
  const early = codeOf(secret, clock);
  clock.advance(60_000);
  expect((await secondStep(client(), { challengeId: await firstStep(), code: early })).status).toBe(401);
  const last = codeOf(secret, clock);
  clock.advance(30_000);
  for (const code of ["12345", "1234567", "abcdef", "      ", "１２３４５６", `${last} `]) {
    const { status, body } = await secondStep(client(), { challengeId: await firstStep(), code });
    expect([code, status, body.code]).toEqual([code, 401, "LogInFailed"]);
  }
  expect((await secondStep(client(), { challengeId: await firstStep(), code: last })).status).toBe(200);
});

test("second factor: a challenge has five tries, three minutes, one address and one password", async () => {
  const trusted = { "server.trusted_proxies": ["127.0.0.1"], "security.max_failed_attempts": 100 };
  const { client, clock, secret, firstStep, secondStep, user } = await openEnrolled(trusted);
  const right = () => ({ code: codeOf(secret, clock) });
  const worn = await firstStep();
  for (let i = 0; i < 5; i++) {
    expect((await secondStep(client(), { challengeId: worn, code: "000000" })).status).toBe(401);
  }
  expect((await secondStep(client(), { challengeId: worn, ...right() })).status).toBe(401);
  const four = await firstStep();
  for (let i = 0; i < 4; i++) await secondStep(client(), { challengeId: four, code: "000000" });
  expect((await secondStep(client(), { challengeId: four, ...right() })).status).toBe(200);
  const old = await firstStep();
  clock.advance(180_000);
  expect((await secondStep(client(), { challengeId: old, ...right() })).status).toBe(401);
  const fresh = await firstStep();
  clock.advance(179_999);
  const elsewhere = { "x-forwarded-for": "203.0.113.7" };
  expect((await secondStep(client(), { challengeId: fresh, ...right() }, elsewhere)).status).toBe(401);
  expect((await secondStep(client(), { challengeId: fresh, ...right() })).status).toBe(200);
  const before = await firstStep();
  clock.advance(30_000);
  await user.call("auth/confirm", { body: right() });
  expect((await user.call("me/password", { body: { password: "Another-Horse-9" } })).status).toBe(204);
  expect((await secondStep(client(), { challengeId: before, ...right() })).status).toBe(401);
});

test("second factor: each recovery code works once, new ones end the old", async () => {
  const { client, codes, firstStep, secondStep } = await openEnrolled();
  expect(codes).toHaveLength(10);
  const [one = "", two = ""] = codes;
  const use = async (recoveryCode: string) => {
    const user = client();
    const { status, body } = await secondStep(user, { challengeId: await firstStep(), recoveryCode });
    return { status, methods: body.methods, user };
  };
  const first = await use(one.toUpperCase().replaceAll("-", " "));
  expect([first.status, first.methods]).toEqual([200, ["password", "recoveryCode"]]);
  expect((await use(one)).status).toBe(401);
  expect((await first.user.call("me")).body.secondFactor.recoveryCodesLeft).toBe(9);
  const renewed = await first.user.call("me/recovery-codes", { method: "POST" });
  expect(renewed.status).toBe(201);
  expect((await use(two)).status).toBe(401);
  expect((await use(renewed.body.recoveryCodes[0])).status).toBe(200);
});

test("second factor: failed codes lock as failed passwords do, and the right password in between forgives nothing", async () => {
  const { client, clock, secret, firstStep, secondStep } = await openEnrolled({ "security.max_failed_attempts": 3 });
  for (let i = 0; i < 3; i++) await secondStep(client(), { challengeId: await firstStep(), code: "000000" });
  expect((await client().logIn("admin", testPassword)).status).toBe(401);
  clock.advance(900_000);
  const challengeId = await firstStep();
  expect((await secondStep(client(), { challengeId, code: codeOf(secret, clock) })).status).toBe(200);
});

test("second factor: the password alone neither confirms, nor takes it away, also after a lock", async () => {
  const { user, clock, secret } = await openEnrolled();
  clock.advance(600_001);
  expect((await user.call("auth/confirm", { body: { password: testPassword } })).status).toBe(400);
  expect((await user.call("auth/lock", { method: "POST" })).status).toBe(204);
  expect((await user.call("auth/unlock", { body: { password: testPassword } })).status).toBe(200);
  for (const [method, path] of [
    ["DELETE", "me/totp"],
    ["POST", "me/recovery-codes"],
  ] as const)
    expect([path, (await user.call(path, { method })).body.code]).toEqual([path, "FreshProofWanted"]);
  expect((await user.call("auth/confirm", { body: { code: codeOf(secret, clock) } })).status).toBe(200);
  expect((await user.call("me/totp", { method: "DELETE" })).status).toBe(204);
});

test("second factor: unlocking with the password forgets no wrong codes, and there must be a lock", async () => {
  const { user, clock, secret } = await openEnrolled({ "security.max_failed_attempts": 4 });
  const confirm = async (code: string) => (await user.call("auth/confirm", { body: { code } })).status;
  const unlock = async () => (await user.call("auth/unlock", { body: { password: testPassword } })).status;
  for (let i = 0; i < 3; i++) expect(await confirm("000000")).toBe(401);
  expect(await unlock()).toBe(409);
  await user.call("auth/lock", { method: "POST" });
  expect(await unlock()).toBe(200);
  expect(await confirm("000000")).toBe(401);
  expect(await confirm(codeOf(secret, clock))).toBe(401);
});

test("second factor: with it goes what it proved, whoever takes it away, and a password does not prove it", async () => {
  const { user, client, clock, secret, firstStep, secondStep, fetch } = await openEnrolled();
  const other = client();
  await secondStep(other, { challengeId: await firstStep(other), code: codeOf(secret, clock) });
  const isMfa = async (one: ConsoleClient) => (await one.call("me")).body.mfa;
  expect([await isMfa(user), await isMfa(other)]).toEqual([true, true]);
  const { userId } = (await user.call("me")).body;
  const path = `/api/v1/users/${userId}/second-factors`;
  expect((await fetch(path, { method: "DELETE", as: testAdministrator })).status).toBe(204);
  expect([await isMfa(user), await isMfa(other)]).toEqual([false, false]);
  const confirmed = await other.call("auth/confirm", { body: { password: testPassword } });
  expect([confirmed.status, confirmed.body.mfa, confirmed.body.methods]).toEqual([200, false, ["password"]]);
});

test("auth/confirm: right passwords given at once are no failures, whichever is faster", async () => {
  const { client, loggedIn } = await open({ "security.max_failed_attempts": 3 });
  const user = await loggedIn();
  const body = { password: testPassword };
  const answers = await Promise.all(Array.from({ length: 8 }, () => user.call("auth/confirm", { body })));
  expect(answers.filter(({ status }) => status === 200).length).toBe(1);
  // Who comes when the faster one is done has a session that is over.
  const refused = answers.filter(({ status }) => status !== 200).map(({ body: { code } }) => code);
  expect(refused.filter((code) => code !== "Conflict" && code !== "Unauthorized")).toEqual([]);
  expect((await client().logIn("admin", testPassword)).status).toBe(200);
});

test("second factor: setting up needs a code of the new secret; taking it away ends the recovery codes", async () => {
  const { client, clock, loggedIn } = await open();
  const user = await loggedIn();
  expect((await user.call("me/totp/enable", { body: { code: "000000" } })).status).toBe(409);
  const { body } = await user.call("me/totp", { method: "POST" });
  expect(body.secret).toMatch(/^[A-Z2-7]{32}$/);
  expect(body.uri).toStartWith("otpauth://totp/MaxIOFS");
  expect((await user.call("me/totp/enable", { body: { code: "000000" } })).status).toBe(400);
  expect((await client().logIn("admin", testPassword)).body.userName).toBe("admin");
  expect((await user.call("me/recovery-codes", { method: "POST" })).status).toBe(409);
  await enroll(user, clock);
  expect((await user.call("me/totp", { method: "POST" })).status).toBe(409);
  expect((await user.call("me/totp", { method: "DELETE" })).status).toBe(204);
  expect((await user.call("me/totp", { method: "DELETE" })).status).toBe(404);
  expect((await client().logIn("admin", testPassword)).body.userName).toBe("admin");
  expect((await user.call("me")).body.secondFactor).toEqual({ totp: false, recoveryCodesLeft: 0 });
});

test("lockout: it ends by itself however often somebody tries on, and failures are forgotten", async () => {
  const { client, clock } = await open({ "security.max_failed_attempts": 3, "security.lockout_duration": 60 });
  const fail = () => client().logIn("admin", "wrong");
  const right = async () => (await client().logIn("admin", testPassword)).status;
  for (let i = 0; i < 2; i++) await fail();
  expect(await right()).toBe(200);
  for (let i = 0; i < 3; i++) await fail();
  expect(await right()).toBe(401);
  clock.advance(59_000);
  for (let i = 0; i < 10; i++) await fail();
  clock.advance(1000);
  expect(await right()).toBe(200);
  for (let i = 0; i < 2; i++) await fail();
  clock.advance(60_000);
  for (let i = 0; i < 2; i++) await fail();
  expect(await right()).toBe(200);
});

test("lockout and a stronger hash: both outlive the server", async () => {
  const first = await open({ "security.max_failed_attempts": 2 });
  for (let i = 0; i < 2; i++) await first.client().logIn("admin", "wrong");
  await closeControl(first.control);
  const readHash = () => {
    const database = new Database(join(first.dataDir, "control.db"));
    const row: unknown = database.query("SELECT password_hash FROM logins").get();
    database.close();
    return JSON.stringify(row);
  };
  const clock = new FakeClock();
  const passwordCost = { memoryKiB: 16, timeCost: 1 };
  const second = await startControl({ dataDir: first.dataDir, clock, passwordCost });
  const logIn = async () => (await new ConsoleClient(second.port).logIn("admin", testPassword)).status;
  expect([await logIn(), readHash()]).toEqual([401, expect.stringContaining("$m=8,t=1,")]);
  clock.advance(900_000);
  expect([await logIn(), readHash()]).toEqual([200, expect.stringContaining("$m=16,t=1,")]);
  expect(await logIn()).toBe(200);
});

test("second factor: who is suspended between the steps does not get in", async () => {
  const { client, clock, secret, dataDir, firstStep, secondStep } = await openEnrolled();
  const challengeId = await firstStep();
  const database = new Database(join(dataDir, "control.db"));
  database.run("UPDATE users SET status = 'suspended'");
  expect((await secondStep(client(), { challengeId, code: codeOf(secret, clock) })).status).toBe(401);
  database.run("UPDATE users SET status = 'active'");
  database.close();
  expect((await secondStep(client(), { challengeId, code: codeOf(secret, clock) })).status).toBe(200);
});

test("lockout: strangers lock a name for themselves, not for its user where he logged in before, nor open sessions", async () => {
  const { client } = await open({ "server.trusted_proxies": ["127.0.0.0/8"], "security.max_failed_attempts": 3 });
  const from = (address: string) => ({ "x-forwarded-for": address });
  const home = client();
  expect((await home.logIn("admin", testPassword, from("198.51.100.1"))).status).toBe(200);
  for (let i = 0; i < 3 * elsewhereFactor; i++) await client().logIn("admin", "wrong", from(`203.0.113.${i}`));
  expect((await client().logIn("admin", testPassword, from("203.0.113.99"))).status).toBe(401);
  expect((await client().logIn("admin", testPassword, from("198.51.100.1"))).status).toBe(200);
  expect((await home.call("me", { headers: from("203.0.113.99") })).status).toBe(200);
  for (let i = 0; i < 3; i++) await client().logIn("admin", "wrong", from("198.51.100.1"));
  expect((await client().logIn("admin", testPassword, from("198.51.100.1"))).status).toBe(401);
  expect((await home.call("me")).status).toBe(200);
});

test("lockout: one stranger locks a name for his own address alone, also before its user ever logged in; unlocked at once", async () => {
  const { client, control } = await open({
    "server.trusted_proxies": ["127.0.0.0/8"],
    "security.max_failed_attempts": 3,
  });
  const tryFrom = async (address: string, password: string) =>
    (await client().logIn("admin", password, { "x-forwarded-for": address })).status;
  for (let i = 0; i < 50; i++) expect(await tryFrom("203.0.113.7", "wrong")).toBe(401);
  expect(await tryFrom("203.0.113.7", testPassword)).toBe(401);
  expect(await tryFrom("198.51.100.1", testPassword)).toBe(200);
  const admin = await control.logins.find("default", "admin");
  await control.logins.unlock(admin, { actor: { kind: "system", id: "", name: "" }, via: "system" });
  expect(await tryFrom("203.0.113.7", testPassword)).toBe(200);
});

test("lockout: failures of many addresses together lock the others too, one below does not", async () => {
  const { client } = await open({ "server.trusted_proxies": ["127.0.0.0/8"], "security.max_failed_attempts": 3 });
  const tryFrom = async (address: string, password: string) =>
    (await client().logIn("admin", password, { "x-forwarded-for": address })).status;
  for (let i = 1; i < 3 * elsewhereFactor; i++) await tryFrom(`203.0.113.${i}`, "wrong");
  expect(await tryFrom("198.51.100.1", testPassword)).toBe(200);
  await tryFrom("203.0.113.99", "wrong");
  expect(await tryFrom("198.51.100.2", testPassword)).toBe(401);
  expect(await tryFrom("198.51.100.1", testPassword)).toBe(200);
});

test("rate: log-ins per minute of an address, and in a name; X-Forwarded-For counts from trusted proxies alone", async () => {
  const limit = { "security.ratelimit_login_per_minute": 3, "security.max_failed_attempts": 100 };
  const plain = await open(limit);
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) {
    const { status } = await plain.client().logIn("admin", testPassword, { "x-forwarded-for": `203.0.113.${i}` });
    statuses.push(status);
  }
  expect(statuses).toEqual([200, 200, 200, 429]);
  const user = plain.client();
  plain.clock.advance(20_000);
  expect((await user.logIn("admin", testPassword)).status).toBe(200);
  const { body } = await user.call("me/sessions");
  expect(new Set(body.items.map(({ address }: { address: string }) => address))).toEqual(new Set(["127.0.0.1"]));

  const proxied = await open({ ...limit, "server.trusted_proxies": ["127.0.0.1", "10.0.0.0/8"] });
  const from = async (address: string, name = "admin") =>
    (await proxied.client().logIn(name, testPassword, { "x-forwarded-for": address })).status;
  for (const address of ["9.9.9.9, 198.51.100.7", "8.8.8.8, 198.51.100.7, 10.1.2.3", "198.51.100.7"]) {
    expect(await from(address, "nobody")).toBe(401);
  }
  expect(await from("7.7.7.7, 198.51.100.7", "other")).toBe(429);
  for (let i = 0; i < 3 * elsewhereFactor; i++) expect(await from(`203.0.113.${i}`)).toBe(200);
  expect(await from("203.0.113.77")).toBe(429);
  // Where the user logged in before, attempts elsewhere do not count.
  expect(await from("203.0.113.1")).toBe(200);
});

test("metrics: sessions that were opened and steps that were refused are counted apart from HTTP Basic", async () => {
  const { client, fetch } = await open({ "security.ratelimit_login_per_minute": 3 });
  for (const password of [testPassword, "wrong", "wrong", testPassword]) await client().logIn("admin", password);
  const metrics = await (await fetch("/metrics")).text();
  expect(metrics).toContain('maxiofs_auth_attempts_total{method="password",status="success"} 1');
  expect(metrics).toContain('maxiofs_auth_attempts_total{method="password",status="failure"} 3');
  expect(metrics).toContain('maxiofs_auth_failures_total{method="password",reason="credentials"} 2');
  expect(metrics).toContain('maxiofs_auth_failures_total{method="password",reason="delayed"} 1');
  expect(metrics).toContain('maxiofs_auth_failures_total{method="basic",reason="credentials"} 0');
});
