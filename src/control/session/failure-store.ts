import { clientNetwork } from "#kernel/policy/client-network.ts";
import type { ControlQueries } from "../database/control-database.ts";
import { readInteger } from "../database/row-values.ts";

/** Addresses remembered for a user, the latest log-ins. */
const maxKnownAddresses = 20;

/** Subject of all attempts in names that nobody has, so that they cost what the others do. */
const unknownSubject = "unknown";
/** Between a user and an address where he did not log in before. */
const elsewhereMark = "?";

/** Failures from all places together where the user did not log in before lock them all at so many times the setting. */
export const elsewhereFactor = 10;

/** When failures lock. */
export interface LockoutRules {
  /** Failures in a row that lock. */
  readonly maxFailures: number;
  readonly lockMs: number;
  readonly nowMs: number;
}

/**
 * What failures are counted under: a user at one address (IPv6: one /64), so that who fails in somebody's name locks himself.
 * Addresses of earlier log-ins are told apart: failures elsewhere never lock them, also not all together.
 */
export async function findSubject(
  queries: ControlQueries,
  userId: string | undefined,
  address: string,
): Promise<string> {
  const group = clientNetwork(address);
  const known = await queries.all("SELECT user_id FROM login_addresses WHERE user_id = $1 AND address_group = $2", [
    userId ?? unknownSubject,
    group,
  ]);
  return `${userId ?? unknownSubject}${known.length > 0 ? " " : elsewhereMark}${group}`;
}

/** Whether the subject is a user at an address of earlier log-ins. */
export function isKnownPlace(subject: string): boolean {
  return !subject.includes(elsewhereMark);
}

/** Whether the subject is locked, or all places without earlier log-ins are and it is one. */
export async function isLockedOut(queries: ControlQueries, subject: string, nowMs: number): Promise<boolean> {
  const sql = "SELECT subject FROM login_failures WHERE (subject = $1 OR subject = $2) AND locked_until_ms > $3";
  const wider = isKnownPlace(subject) ? subject : elsewhereOf(subject);
  return (await queries.all(sql, [subject, wider, nowMs])).length > 0;
}

/** Counts a failure, for a place without earlier log-ins with those of all such places too. @returns true when this one locked */
export async function countFailure(queries: ControlQueries, subject: string, rules: LockoutRules): Promise<boolean> {
  const wasLocked = await isLockedOut(queries, subject, rules.nowMs);
  const locks = await countOne(queries, subject, rules);
  // A locked address adds nothing: it takes many to lock the others.
  if (isKnownPlace(subject) || wasLocked) return locks;
  const elsewhere = { ...rules, maxFailures: rules.maxFailures * elsewhereFactor };
  return (await countOne(queries, elsewhereOf(subject), elsewhere)) || locks;
}

/** What failures of all places together are counted under where the subject's user did not log in before. */
function elsewhereOf(subject: string): string {
  return subject.replace(/\?.*$/, elsewhereMark);
}

/**
 * Counts a failure. One while the subject is locked is written and changes nothing, so that a lock ends by itself whatever is tried.
 * Failures are forgotten `lockMs` after the last one.
 * @returns true when this one locked the subject.
 */
async function countOne(queries: ControlQueries, subject: string, rules: LockoutRules): Promise<boolean> {
  const { maxFailures, lockMs, nowMs } = rules;
  const [row] = await queries.all(
    "SELECT failures, last_at_ms, locked_until_ms FROM login_failures WHERE subject = $1",
    [subject],
  );
  const lastAtMs = row ? readInteger(row, "last_at_ms") : nowMs;
  const lockedUntilMs = row ? readInteger(row, "locked_until_ms") : 0;
  const isLocked = lockedUntilMs > nowMs;
  const isOver = lockedUntilMs !== 0 || nowMs - lastAtMs >= lockMs;
  const before = row === undefined || (isOver && !isLocked) ? 0 : readInteger(row, "failures");
  const failures = isLocked ? before : before + 1;
  const locks = !isLocked && failures >= maxFailures;
  const until = locks ? nowMs + lockMs : 0;
  await queries.run(
    `INSERT INTO login_failures (subject, failures, last_at_ms, locked_until_ms) VALUES ($1, $2, $3, $4)
     ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, last_at_ms = excluded.last_at_ms,
       locked_until_ms = excluded.locked_until_ms`,
    [subject, failures, isLocked ? lastAtMs : nowMs, isLocked ? lockedUntilMs : until],
  );
  return locks && !subject.startsWith(unknownSubject);
}

/** Forgets the failures of one subject. */
export async function forgetFailures(queries: ControlQueries, subject: string): Promise<void> {
  await queries.run("DELETE FROM login_failures WHERE subject = $1", [subject]);
}

/** Forgets all failures of a user, wherever they came from. @returns whether there were any. */
export async function unlockUser(queries: ControlQueries, userId: string): Promise<boolean> {
  const sql = "DELETE FROM login_failures WHERE subject LIKE $1 OR subject LIKE $2";
  return (await queries.run(sql, [`${userId} %`, `${userId}${elsewhereMark}%`])) > 0;
}

/** Users that are locked somewhere, by id. */
export async function listLocked(queries: ControlQueries, nowMs: number): Promise<ReadonlySet<string>> {
  const rows = await queries.all("SELECT subject FROM login_failures WHERE locked_until_ms > $1", [nowMs]);
  return new Set(rows.map(({ subject }) => String(subject).replace(/[? ].*$/, "")));
}

/** Remembers where a user logged in from. */
export async function rememberAddress(queries: ControlQueries, userId: string, at: KnownAddress): Promise<void> {
  await queries.run(
    `INSERT INTO login_addresses (user_id, address_group, last_at_ms) VALUES ($1, $2, $3)
     ON CONFLICT (user_id, address_group) DO UPDATE SET last_at_ms = excluded.last_at_ms`,
    [userId, clientNetwork(at.address), at.nowMs],
  );
  await queries.run(
    `DELETE FROM login_addresses WHERE user_id = $1 AND address_group NOT IN
       (SELECT address_group FROM login_addresses WHERE user_id = $2 ORDER BY last_at_ms DESC, address_group LIMIT $3)`,
    [userId, userId, maxKnownAddresses],
  );
}

/** An address and when it was used. */
interface KnownAddress {
  readonly address: string;
  readonly nowMs: number;
}

/** Removes failures that count no more. */
export async function sweepFailures(queries: ControlQueries, lastBeforeMs: number, nowMs: number): Promise<void> {
  await queries.run("DELETE FROM login_failures WHERE last_at_ms < $1 AND locked_until_ms < $2", [lastBeforeMs, nowMs]);
}
