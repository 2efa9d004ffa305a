import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateSync } from "otplib";
import { systemRandom } from "#kernel/base/random.ts";
import { resolveSettings } from "#kernel/settings/settings.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import type { AuditEvent } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import { Sealer } from "../encryption/seal.ts";
import type { Caller } from "../http/caller.ts";
import { LogInGuard } from "../http/log-in-guard.ts";
import { createLog } from "../observe/log.ts";
import { ensureTenant } from "../tenants/ensure-tenant.ts";
import { ensureUser } from "../tenants/ensure-user.ts";
import { ensureFirstPassword } from "./first-password.ts";
import { openSessionPlane } from "./open-session-plane.ts";
import { PasswordHasher } from "./password-hasher.ts";

const defaults = resolveSettings({ overrides: {}, stored: new Map(), defaults: {} });

const folders: string[] = [];
let database: ControlDatabase | undefined;
afterEach(async () => {
  await database?.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const password = "Correct-Horse-9";
const from = { address: "192.0.2.1", agent: "test", requestId: "r" };
const settings = () => ({ ...defaults, "security.max_failed_attempts": 2 });

/** The parts of log-in on a database of their own, with every recorded event; `failing` breaks the audit trail. */
async function open() {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-control-"));
  folders.push(folder);
  const opened = await openControlDatabase(folder);
  database = opened;
  const clock = new FakeClock();
  const events: AuditEvent[] = [];
  const state = { failing: false };
  const recordAudit = async (_: unknown, event: AuditEvent) => {
    if (state.failing) throw new Error("The audit trail is full");
    events.push(event);
  };
  const source = { clock, random: systemRandom };
  const user = await opened.transaction(async (queries) => {
    const { tenantId } = await ensureTenant(queries, "default", source);
    return { tenantId, ...(await ensureUser(queries, { tenantId, name: "admin", administrator: true }, source)) };
  });
  const hasher = new PasswordHasher({ memoryKiB: 8, timeCost: 1 });
  const log = createLog({ level: "error", format: "json", clock, output: () => undefined });
  const recordDenial = (event: AuditEvent) => void events.push(event);
  const common = { database: opened, hasher, recordAudit, recordDenial, ...source, log };
  const plane = openSessionPlane({
    ...common,
    ...{ settings, port: () => 9001, allowsCaller: () => true, csrfKey: new Uint8Array(32) },
    logIns: new LogInGuard({ entries: { entries: () => new Map() }, clock, log, keyUses: { note: () => {} } }),
    sealer: new Sealer(new Uint8Array(32), systemRandom),
  });
  await ensureFirstPassword({ ...common, rules: settings(), given: password });
  const caller: Caller = {
    ...{ userId: user.userId, userName: "admin", tenantId: user.tenantId, global: true, via: "console" },
    ...{ sessionId: "s", mfa: false, freshProof: true, secure: false, narrowing: [], ...from },
  };
  const told = () => events.splice(0).map(({ action, outcome, actor }) => `${action} ${outcome} ${actor.kind}`);
  return { ...plane, user, caller, clock, events, told, state, database: opened };
}

test("audit: every step of a log-in is recorded once, with what is known and without what was typed", async () => {
  const { logIn, told, events, user } = await open();
  expect(told()).toEqual(["iam:CreateLoginProfile success system"]);
  const given = { tenant: "default", userName: "admin", password };
  await expect(logIn.withPassword({ ...given, userName: "MyPassword-1" }, from)).rejects.toThrow("The log-in failed");
  await expect(logIn.withPassword({ ...given, password: "MyPassword-2" }, from)).rejects.toThrow("The log-in failed");
  const [unknown, known] = events;
  expect(unknown).toEqual({
    ...{ tenantId: null, actor: { kind: "anonymous", id: "", name: "" }, ...from, via: "console" },
    ...{ action: "auth:Login", outcome: "denied", code: "LogInFailed" },
  });
  expect(known).toMatchObject({ tenantId: user.tenantId, resource: { kind: "user", id: user.userId, name: "admin" } });
  expect(JSON.stringify(events)).not.toContain("MyPassword");
  told();
  await expect(logIn.withPassword({ ...given, password: "x" }, from)).rejects.toThrow();
  expect(told()).toEqual(["auth:Login denied anonymous", "auth:Lockout success anonymous"]);
});

test("audit: what a user does with his log-in is recorded, and secrets are in none of it", async () => {
  const { logIn, ownLogin, tokens, ownSessions, told, events, user, caller, clock } = await open();
  told();
  const first = await logIn.withPassword({ tenant: "default", userName: "admin", password }, from);
  if (first.kind !== "session") throw new Error("No session");
  const { account } = first;
  const me = { account, session: first.opened.session, caller };
  const shown: string[] = [first.opened.id];
  const pending = await ownLogin.beginTotp(me);
  const code = generateSync({ secret: pending.secret, epoch: Math.floor(clock.nowMs() / 1000) });
  const { codes, opened } = await ownLogin.enableTotp(me, code);
  shown.push(pending.secret, code, ...codes, ...(await ownLogin.renewRecoveryCodes(me)));
  const session = opened?.session ?? first.opened.session;
  const elevated = await ownLogin.prove({ ...me, session }, { kind: "password", password }, "auth:Confirm");
  const next = { ...me, session: undefined };
  await ownLogin.removeTotp(next);
  const { row, token } = await tokens.create(
    { userId: user.userId, name: "ci" },
    { ...describe(caller), action: "iam:CreateAccessKey" },
  );
  shown.push(token, elevated.id, password, "Another-Horse-9");
  await tokens.revoke(user.userId, row.tokenId, { ...describe(caller), action: "iam:DeleteAccessKey" });
  await ownSessions.revokeOthers(user.userId, undefined, { ...describe(caller), action: "maxiofs:ManageSessions" });
  await ownLogin.changePassword(next, "Another-Horse-9");
  const text = JSON.stringify(events);
  for (const secret of shown) expect(text).not.toContain(secret);
  expect(told()).toEqual([
    "auth:Login success user",
    "iam:CreateVirtualMFADevice success user",
    "iam:EnableMFADevice success user",
    "iam:ResyncMFADevice success user",
    "auth:Confirm success user",
    "iam:DeactivateMFADevice success user",
    "iam:CreateAccessKey success user",
    "iam:DeleteAccessKey success user",
    "maxiofs:ManageSessions success user",
    "iam:ChangePassword success user",
  ]);
});

function describe({ userId: id, userName: name, tenantId }: Caller): Omit<AuditEvent, "action"> {
  return { tenantId, actor: { kind: "user", id, name }, outcome: "success", via: "console" };
}

test("audit: what cannot be recorded does not happen", async () => {
  const { logIn, ownLogin, ownSessions, tokens, administration, caller, state, user } = await open();
  const given = { tenant: "default", userName: "admin", password };
  const first = await logIn.withPassword(given, from);
  if (first.kind !== "session") throw new Error("No session");
  const me = { account: first.account, session: first.opened.session, caller };
  const before = await ownSessions.list(user.userId);
  state.failing = true;
  await expect(logIn.withPassword(given, from)).rejects.toThrow("full");
  await expect(ownLogin.changePassword(me, "Another-Horse-9")).rejects.toThrow("full");
  await expect(ownLogin.beginTotp(me)).rejects.toThrow("full");
  await expect(
    administration.resetPassword(first.account, { actor: describe(caller).actor, via: "console" }),
  ).rejects.toThrow("full");
  const event = { ...describe(caller), action: "iam:CreateAccessKey" };
  await expect(tokens.create({ userId: user.userId, name: "t" }, event)).rejects.toThrow("full");
  await expect(ownSessions.revokeOthers(user.userId, undefined, event)).rejects.toThrow("full");
  state.failing = false;
  expect(await ownSessions.list(user.userId)).toEqual(before);
  expect(await tokens.list(user.userId)).toEqual([]);
  expect((await logIn.withPassword(given, from)).kind).toBe("session");
});

test("log-in: a weaker hash is replaced by one of today's cost at the next log-in, and the password stays", async () => {
  const { logIn, database: opened, user } = await open();
  const weak = await new PasswordHasher({ memoryKiB: 8, timeCost: 1 }).hash(password);
  await opened.run("UPDATE logins SET password_hash = $1 WHERE user_id = $2", [
    weak.replace("m=8", "m=4"),
    user.userId,
  ]);
  await expect(logIn.withPassword({ tenant: "default", userName: "admin", password }, from)).rejects.toThrow();
  const bcrypt = await Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 });
  await opened.run("UPDATE logins SET password_hash = $1 WHERE user_id = $2", [bcrypt, user.userId]);
  for (let i = 0; i < 2; i++) {
    expect((await logIn.withPassword({ tenant: "default", userName: "admin", password }, from)).kind).toBe("session");
    const [row] = await opened.all("SELECT password_hash, password_version FROM logins");
    expect(row?.["password_hash"]).toStartWith("$argon2id$v=19$m=8,t=1,p=1$");
    expect(row?.["password_version"]).toBe(1);
  }
});

test("sweep: what is over is removed, nothing else", async () => {
  const { logIn, sweep, database: opened, clock } = await open();
  await logIn.withPassword({ tenant: "default", userName: "admin", password }, from);
  await expect(logIn.withPassword({ tenant: "default", userName: "admin", password: "x" }, from)).rejects.toThrow();
  const count = async () => {
    const [row] = await opened.all(
      "SELECT (SELECT COUNT(*) FROM sessions) AS sessions, (SELECT COUNT(*) FROM login_failures) AS failures",
    );
    return [row?.["sessions"], row?.["failures"]];
  };
  clock.advance(899_000);
  await sweep();
  expect(await count()).toEqual([1, 1]);
  clock.advance(901_001);
  await sweep();
  expect(await count()).toEqual([0, 0]);
});
