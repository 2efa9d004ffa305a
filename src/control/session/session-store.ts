import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";

/** How somebody proved who he is. */
export type ProofMethod = "password" | "totp" | "recoveryCode";

/** A session of the console. */
export interface SessionRow {
  /** ULID; names the session and gives no right. */
  readonly sessionId: string;
  readonly userId: string;
  /** SHA-256 of the secret id in the cookie. */
  readonly idHash: string;
  /** Of the id before the last change. */
  readonly previousHash: string | undefined;
  readonly rotatedAtMs: number;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
  readonly proofAtMs: number;
  /** When the second factor was proved last; undefined when it was not, or was taken away since. */
  readonly mfaAtMs: number | undefined;
  readonly locked: boolean;
  readonly address: string;
  readonly agent: string;
  readonly methods: readonly ProofMethod[];
}

/** Sessions of a user; the one that was used longest ago gives way. */
const maxSessions = 100;

const COLUMNS = `session_id, user_id, id_hash, previous_hash, rotated_at_ms, created_at_ms, seen_at_ms, proof_at_ms, is_locked,
  address, agent, methods, mfa_at_ms`;

/** Stores a session and removes the oldest ones of a user who has too many. */
export async function insertSession(queries: ControlQueries, session: SessionRow): Promise<void> {
  const { sessionId, userId, idHash, previousHash = null, rotatedAtMs, createdAtMs, seenAtMs, proofAtMs } = session;
  await queries.run(
    `DELETE FROM sessions WHERE user_id = $1 AND session_id NOT IN
       (SELECT session_id FROM sessions WHERE user_id = $2 ORDER BY seen_at_ms DESC, session_id LIMIT $3)`,
    [userId, userId, maxSessions - 1],
  );
  await queries.run(
    `INSERT INTO sessions (session_id, user_id, id_hash, previous_hash, rotated_at_ms, created_at_ms, seen_at_ms, proof_at_ms,
       is_locked, address, agent, methods, mfa_at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      ...[sessionId, userId, idHash, previousHash, rotatedAtMs, createdAtMs, seenAtMs, proofAtMs],
      ...[session.locked ? 1 : 0, session.address, session.agent, JSON.stringify(session.methods)],
      session.mfaAtMs ?? null,
    ],
  );
}

/** The session whose id, or whose id before the last change, has this hash. */
export async function findSession(queries: ControlQueries, hash: string): Promise<SessionRow | undefined> {
  const [row] = await queries.all(
    `SELECT ${COLUMNS} FROM sessions WHERE id_hash = $1
     UNION ALL SELECT ${COLUMNS} FROM sessions WHERE previous_hash = $2`,
    [hash, hash],
  );
  return row && readSession(row);
}

/** Sessions of a user, the latest first. */
export async function listSessions(queries: ControlQueries, userId: string): Promise<readonly SessionRow[]> {
  const rows = await queries.all(
    `SELECT ${COLUMNS} FROM sessions WHERE user_id = $1 ORDER BY created_at_ms DESC, session_id LIMIT $2`,
    [userId, maxSessions],
  );
  return rows.map(readSession);
}

/** Replaces what changes about a session, unless its id was changed by somebody else. @returns whether it was replaced. */
export async function updateSession(queries: ControlQueries, before: string, session: SessionRow): Promise<boolean> {
  const { sessionId, idHash, previousHash = null, rotatedAtMs, seenAtMs, proofAtMs, locked, methods } = session;
  const { mfaAtMs = null } = session;
  const changed = await queries.run(
    `UPDATE sessions SET id_hash = $1, previous_hash = $2, rotated_at_ms = $3, seen_at_ms = $4, proof_at_ms = $5,
       is_locked = $6, methods = $7, mfa_at_ms = $8 WHERE session_id = $9 AND id_hash = $10`,
    [
      ...[idHash, previousHash, rotatedAtMs, seenAtMs, proofAtMs, locked ? 1 : 0],
      ...[JSON.stringify(methods), mfaAtMs, sessionId, before],
    ],
  );
  return changed === 1;
}

/** Locks a session, whatever its id is now. */
export async function lockSession(queries: ControlQueries, sessionId: string): Promise<void> {
  await queries.run("UPDATE sessions SET is_locked = 1 WHERE session_id = $1", [sessionId]);
}

/** What was proved with a second factor counts for nothing any more: it was taken away. */
export async function forgetSecondFactor(queries: ControlQueries, userId: string): Promise<void> {
  const methods = JSON.stringify(["password"] satisfies ProofMethod[]);
  await queries.run("UPDATE sessions SET methods = $1, mfa_at_ms = NULL WHERE user_id = $2", [methods, userId]);
}

/** Removes one session of a user. @returns false when there is none. */
export async function removeSession(queries: ControlQueries, userId: string, sessionId: string): Promise<boolean> {
  return (await queries.run("DELETE FROM sessions WHERE user_id = $1 AND session_id = $2", [userId, sessionId])) === 1;
}

/** Removes the sessions of a user. @param except one that stays. @returns how many there were. */
export function removeSessions(queries: ControlQueries, userId: string, except = ""): Promise<number> {
  return queries.run("DELETE FROM sessions WHERE user_id = $1 AND session_id <> $2", [userId, except]);
}

/** Removes what is over. */
export async function sweepSessions(queries: ControlQueries, ends: SessionEnds): Promise<void> {
  await queries.run("DELETE FROM sessions WHERE created_at_ms <= $1 OR seen_at_ms <= $2", [
    ends.createdBeforeMs,
    ends.seenBeforeMs,
  ]);
}

/** Sessions made or last used at these times, or before, are over. */
export interface SessionEnds {
  readonly createdBeforeMs: number;
  readonly seenBeforeMs: number;
}

function readSession(row: SqlRow): SessionRow {
  const methods: unknown = JSON.parse(readText(row, "methods"));
  return {
    sessionId: readText(row, "session_id"),
    userId: readText(row, "user_id"),
    idHash: readText(row, "id_hash"),
    previousHash: row["previous_hash"] === null ? undefined : readText(row, "previous_hash"),
    rotatedAtMs: readInteger(row, "rotated_at_ms"),
    createdAtMs: readInteger(row, "created_at_ms"),
    seenAtMs: readInteger(row, "seen_at_ms"),
    proofAtMs: readInteger(row, "proof_at_ms"),
    mfaAtMs: row["mfa_at_ms"] === null ? undefined : readInteger(row, "mfa_at_ms"),
    locked: readInteger(row, "is_locked") === 1,
    address: readText(row, "address"),
    agent: readText(row, "agent"),
    methods: Array.isArray(methods) ? methods.filter(isProofMethod) : [],
  };
}

function isProofMethod(value: unknown): value is ProofMethod {
  return value === "password" || value === "totp" || value === "recoveryCode";
}
