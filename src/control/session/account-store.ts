import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";

/** A user as far as log-in is concerned. */
export interface Account {
  readonly userId: string;
  readonly userName: string;
  readonly tenantId: string;
  readonly tenantSlug: string;
  /** 12 digits. */
  readonly accountId: string;
  readonly global: boolean;
  /** Begins and ends with a slash; part of the ARN. */
  readonly path: string;
  /** False while the user or the tenant is suspended: nothing lets such a user in. */
  readonly active: boolean;
  /** Undefined when the user has no password. */
  readonly passwordHash: string | undefined;
  /** Counts changes of the password; 0 without one. */
  readonly passwordVersion: number;
  readonly mustChange: boolean;
  /** Undefined: for ever. */
  readonly passwordExpiresAtMs: number | undefined;
  /** The second factor's sealed secret; undefined without one. */
  readonly sealedTotp: string | undefined;
  /** False while the second factor is being set up. */
  readonly totpEnabled: boolean;
  /** Step of the last code accepted. */
  readonly totpStep: number | undefined;
}

const COLUMNS = `u.user_id, u.name, u.path, u.is_global, u.status, t.tenant_id, t.slug, t.account_id, t.status AS tenant_status,
  l.password_hash, l.password_version, l.must_change, l.password_expires_at_ms, l.sealed_totp, l.totp_enabled, l.totp_step`;
const TABLES = `users u JOIN tenants t ON t.tenant_id = u.tenant_id LEFT JOIN logins l ON l.user_id = u.user_id`;

/** The user of this name, in any case; undefined when there is none. */
export async function findAccount(
  queries: ControlQueries,
  tenantSlug: string,
  userName: string,
): Promise<Account | undefined> {
  const [row] = await queries.all(`SELECT ${COLUMNS} FROM ${TABLES} WHERE t.slug = $1 AND u.name_folded = $2`, [
    tenantSlug,
    userName.toLowerCase(),
  ]);
  return row && readAccount(row);
}

/** The user of this id; undefined when there is none. */
export async function findAccountById(queries: ControlQueries, userId: string): Promise<Account | undefined> {
  const [row] = await queries.all(`SELECT ${COLUMNS} FROM ${TABLES} WHERE u.user_id = $1`, [userId]);
  return row && readAccount(row);
}

/** Users that can log in or are administrators, by tenant and name, at most 1,000. */
export async function listAccounts(queries: ControlQueries): Promise<readonly Account[]> {
  const rows = await queries.all(
    `SELECT ${COLUMNS} FROM ${TABLES} WHERE l.user_id IS NOT NULL OR u.is_global = 1
     ORDER BY t.slug, u.name_folded LIMIT 1000`,
  );
  return rows.map(readAccount);
}

/** Whether anybody was ever given a password. */
export async function hasLogins(queries: ControlQueries): Promise<boolean> {
  return (await queries.all("SELECT user_id FROM logins LIMIT 1")).length > 0;
}

/** The oldest administrator; undefined when there is none. */
export async function findFirstAdministrator(queries: ControlQueries): Promise<Account | undefined> {
  const [row] = await queries.all(
    `SELECT ${COLUMNS} FROM ${TABLES} WHERE u.is_global = 1 ORDER BY u.created_at_ms, u.user_id LIMIT 1`,
  );
  return row && readAccount(row);
}

/** A new password and how long it may be used. */
export interface NewPassword {
  readonly hash: string;
  readonly mustChange: boolean;
  /** Undefined: for ever. */
  readonly expiresAtMs: number | undefined;
  readonly nowMs: number;
}

/** Stores a password, the first one or another one. */
export async function setPassword(queries: ControlQueries, userId: string, password: NewPassword): Promise<void> {
  const { hash, mustChange, expiresAtMs = null, nowMs } = password;
  await queries.run(
    `INSERT INTO logins (user_id, password_hash, password_version, must_change, password_expires_at_ms, password_set_at_ms,
       totp_enabled)
     VALUES ($1, $2, 1, $3, $4, $5, 0)
     ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash,
       password_version = logins.password_version + 1, must_change = excluded.must_change,
       password_expires_at_ms = excluded.password_expires_at_ms, password_set_at_ms = excluded.password_set_at_ms`,
    [userId, hash, mustChange ? 1 : 0, expiresAtMs, nowMs],
  );
}

/** Replaces the hash of the same password by a stronger one, unless the password was changed since. */
export async function replaceHash(queries: ControlQueries, account: Account, hash: string): Promise<void> {
  await queries.run("UPDATE logins SET password_hash = $1 WHERE user_id = $2 AND password_version = $3", [
    hash,
    account.userId,
    account.passwordVersion,
  ]);
}

/** Stores a second factor that is not in force yet. */
export async function setPendingTotp(queries: ControlQueries, userId: string, sealed: string): Promise<void> {
  await queries.run(
    "UPDATE logins SET sealed_totp = $1, totp_enabled = 0, totp_step = NULL WHERE user_id = $2 AND totp_enabled = 0",
    [sealed, userId],
  );
}

/** Puts the second factor in force, the step of its first code being used up. */
export async function enableTotp(queries: ControlQueries, userId: string, timeStep: number): Promise<void> {
  await queries.run("UPDATE logins SET totp_enabled = 1, totp_step = $1 WHERE user_id = $2", [timeStep, userId]);
}

/** Remembers the step of a code that was accepted. */
export async function setTotpStep(queries: ControlQueries, userId: string, timeStep: number): Promise<void> {
  await queries.run("UPDATE logins SET totp_step = $1 WHERE user_id = $2", [timeStep, userId]);
}

/** Takes the second factor and its recovery codes away. */
export async function removeTotp(queries: ControlQueries, userId: string): Promise<void> {
  await queries.run("UPDATE logins SET sealed_totp = NULL, totp_enabled = 0, totp_step = NULL WHERE user_id = $1", [
    userId,
  ]);
  await queries.run("DELETE FROM recovery_codes WHERE user_id = $1", [userId]);
}

/** Replaces the recovery codes of a user by these. */
export async function setRecoveryCodes(
  queries: ControlQueries,
  userId: string,
  hashes: readonly string[],
): Promise<void> {
  await queries.run("DELETE FROM recovery_codes WHERE user_id = $1", [userId]);
  for (const hash of hashes) {
    await queries.run("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)", [userId, hash]);
  }
}

/** Uses a recovery code up. @returns false when the user has no such code. */
export async function useRecoveryCode(queries: ControlQueries, userId: string, hash: string): Promise<boolean> {
  const used = await queries.run("DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", [userId, hash]);
  return used === 1;
}

/** How many recovery codes a user has left. */
export async function countRecoveryCodes(queries: ControlQueries, userId: string): Promise<number> {
  const [row] = await queries.all("SELECT COUNT(*) AS count FROM recovery_codes WHERE user_id = $1", [userId]);
  return row === undefined ? 0 : readInteger(row, "count");
}

function readAccount(row: SqlRow): Account {
  const optional = (column: string) => (row[column] === null ? undefined : readInteger(row, column));
  const text = (column: string) => (row[column] === null ? undefined : readText(row, column));
  return {
    userId: readText(row, "user_id"),
    userName: readText(row, "name"),
    tenantId: readText(row, "tenant_id"),
    tenantSlug: readText(row, "slug"),
    accountId: readText(row, "account_id"),
    global: readInteger(row, "is_global") === 1,
    path: readText(row, "path"),
    active: row["status"] === "active" && row["tenant_status"] === "active",
    passwordHash: text("password_hash"),
    passwordVersion: optional("password_version") ?? 0,
    mustChange: optional("must_change") === 1,
    passwordExpiresAtMs: optional("password_expires_at_ms"),
    sealedTotp: text("sealed_totp"),
    totpEnabled: optional("totp_enabled") === 1,
    totpStep: optional("totp_step"),
  };
}
