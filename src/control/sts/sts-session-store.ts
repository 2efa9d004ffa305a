import type { RevocationEntry } from "#kernel/protocol/sts.ts";
import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readJson, readText } from "../database/row-values.ts";
import { likePart, type Page } from "../iam/identity-work.ts";
import { readSortedPage, type SortedList } from "../iam/sorted-list.ts";

/** One session that was given out. Times are ms since 1970. */
export interface StsSession {
  /** The access key id, `ASIA...` */
  readonly sessionId: string;
  readonly tenantId: string;
  /** `AIDA...` or `AROA...` */
  readonly principalId: string;
  /** Of an assumed role; empty else. */
  readonly sessionName: string;
  /** See `SessionContent`; behind it the access key that it all began with. */
  readonly lineage: readonly string[];
  readonly sourceIdentity: string | null;
  readonly mfa: boolean;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly address: string;
  readonly agent: string;
}

/** Orders of sessions beside the one by id; a minus turns them round. */
export const sessionSorts = ["issuedAt", "-issuedAt", "expiresAt", "-expiresAt"] as const;

/** Which sessions are listed. */
export interface SessionFilter {
  readonly tenantId: string;
  /** Of the page before; empty for the first. */
  readonly cursor: string;
  readonly sort: (typeof sessionSorts)[number] | undefined;
  /** Part of id, name of the session or source identity, in any case; empty for all. */
  readonly q: string;
  readonly limit: number;
  /** Only those that have not ended by themselves. */
  readonly nowMs: number;
  /** Of one user or role. */
  readonly principalId?: string;
}

type Queries = Pick<ControlQueries, "all">;

const COLUMNS = `session_id, tenant_id, principal_id, session_name, lineage, source_identity, mfa, issued_at_ms,
  expires_at_ms, address, agent`;
const LISTED = `SELECT ${COLUMNS} FROM sts_sessions WHERE tenant_id = $1 AND expires_at_ms > $2
  AND ($3 = '' OR principal_id = $4) AND (lower(session_id) LIKE $5 ESCAPE '!' OR lower(session_name) LIKE $6 ESCAPE '!'
    OR lower(coalesce(source_identity, '')) LIKE $7 ESCAPE '!')`;
const list: SortedList<(typeof sessionSorts)[number]> = {
  idColumn: "session_id",
  columns: { issuedAt: "issued_at_ms", expiresAt: "expires_at_ms" },
  byId: `${LISTED} AND session_id > $8 ORDER BY session_id LIMIT $9`,
  by: {
    issuedAt: `${LISTED} AND (issued_at_ms, session_id) > ($8, $9) ORDER BY issued_at_ms, session_id LIMIT $10`,
    "-issuedAt": `${LISTED} AND (issued_at_ms, session_id) < ($8, $9) ORDER BY issued_at_ms DESC, session_id DESC LIMIT $10`,
    expiresAt: `${LISTED} AND (expires_at_ms, session_id) > ($8, $9) ORDER BY expires_at_ms, session_id LIMIT $10`,
    "-expiresAt": `${LISTED} AND (expires_at_ms, session_id) < ($8, $9) ORDER BY expires_at_ms DESC, session_id DESC LIMIT $10`,
  },
};

/** Stores a session. @param beganWith id of the user behind it, whatever role he took on */
export async function insertSession(queries: ControlQueries, session: StsSession, beganWith: string): Promise<void> {
  const { sessionId, tenantId, principalId, sessionName, lineage, sourceIdentity, mfa } = session;
  await queries.run(
    `INSERT INTO sts_sessions (session_id, tenant_id, principal_id, session_name, lineage, source_identity, mfa,
       issued_at_ms, expires_at_ms, address, agent, began_with) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      ...[sessionId, tenantId, principalId, sessionName, JSON.stringify(lineage), sourceIdentity, mfa ? 1 : 0],
      ...[session.issuedAtMs, session.expiresAtMs, session.address, session.agent, beganWith],
    ],
  );
}

/** How many sessions that began with a user have not ended by themselves. */
export async function countSessions(queries: Queries, beganWith: string, nowMs: number): Promise<number> {
  const sql = "SELECT count(*) AS found FROM sts_sessions WHERE began_with = $1 AND expires_at_ms > $2";
  const [row] = await queries.all(sql, [beganWith, nowMs]);
  return row === undefined ? 0 : readInteger(row, "found");
}

/** Sessions that began with a user and have not ended by themselves, those that live longest first. */
export async function readSessionsOf(
  queries: Queries,
  beganWith: string,
  { nowMs, limit }: Pick<SessionFilter, "nowMs" | "limit">,
): Promise<readonly StsSession[]> {
  const rows = await queries.all(
    `SELECT ${COLUMNS} FROM sts_sessions WHERE began_with = $1 AND expires_at_ms > $2
       ORDER BY expires_at_ms DESC LIMIT $3`,
    [beganWith, nowMs, limit],
  );
  return rows.map(readSession);
}

/** A page of sessions. @throws ControlError InvalidRequest for the cursor of another order */
export function listSessions(queries: Queries, filter: SessionFilter): Promise<Page<StsSession>> {
  const { tenantId, nowMs, principalId = "", q, ...wanted } = filter;
  const part = likePart(q);
  const parameters = [tenantId, nowMs, principalId, principalId, part, part, part];
  return readSortedPage(queries, list, { ...wanted, parameters, show: (row) => [readSession(row)] });
}

/** One session of a tenant that has not ended by itself. */
export async function findSession(
  queries: Queries,
  { tenantId, sessionId, nowMs }: { readonly tenantId: string; readonly sessionId: string; readonly nowMs: number },
): Promise<StsSession | undefined> {
  const [row] = await queries.all(
    `SELECT ${COLUMNS} FROM sts_sessions WHERE session_id = $1 AND tenant_id = $2 AND expires_at_ms > $3`,
    [sessionId, tenantId, nowMs],
  );
  return row && readSession(row);
}

/** Console sessions that are over and have credentials of entered tenants that are not: theirs are the lineages of one id. */
export async function findOverConsoleSessions(queries: Queries, nowMs: number): Promise<readonly string[]> {
  const rows = await queries.all(
    `SELECT DISTINCT lineage FROM sts_sessions WHERE expires_at_ms > $1 AND principal_id LIKE 'AIDA%' AND session_name <> ''
       AND lineage <> '[]' AND lineage NOT IN (SELECT '["' || session_id || '"]' FROM sessions)`,
    [nowMs],
  );
  return rows.flatMap((row) => JSON.parse(readText(row, "lineage")));
}

/** Stores a revocation; of two about the same the later time counts. @param untilMs every session it is about has ended then */
export async function upsertRevocation(
  queries: ControlQueries,
  { revocationId, beforeMs }: RevocationEntry,
  untilMs: number,
): Promise<void> {
  await queries.run(
    `INSERT INTO sts_revocations (revocation_id, before_ms, until_ms) VALUES ($1, $2, $3)
     ON CONFLICT (revocation_id) DO UPDATE SET before_ms = excluded.before_ms, until_ms = excluded.until_ms
       WHERE excluded.before_ms > sts_revocations.before_ms`,
    [revocationId, beforeMs, untilMs],
  );
}

/** All revocations. */
export async function readRevocations(queries: Queries): Promise<readonly RevocationEntry[]> {
  const rows = await queries.all("SELECT revocation_id, before_ms FROM sts_revocations ORDER BY revocation_id");
  return rows.map((row) => ({ revocationId: readText(row, "revocation_id"), beforeMs: readInteger(row, "before_ms") }));
}

/** Removes sessions that have ended and revocations about such alone. @returns ids of the revocations */
export async function removeEnded(queries: ControlQueries, nowMs: number): Promise<readonly string[]> {
  await queries.run("DELETE FROM sts_sessions WHERE expires_at_ms <= $1", [nowMs]);
  const ended = await queries.all("SELECT revocation_id FROM sts_revocations WHERE until_ms <= $1", [nowMs]);
  await queries.run("DELETE FROM sts_revocations WHERE until_ms <= $1", [nowMs]);
  return ended.map((row) => readText(row, "revocation_id"));
}

function readSession(row: SqlRow): StsSession {
  const lineage = readJson(row, "lineage");
  if (!Array.isArray(lineage)) throw new TypeError("The lineage of a session is no list");
  return {
    sessionId: readText(row, "session_id"),
    tenantId: readText(row, "tenant_id"),
    principalId: readText(row, "principal_id"),
    sessionName: readText(row, "session_name"),
    lineage: lineage.map(String),
    sourceIdentity: row["source_identity"] === null ? null : readText(row, "source_identity"),
    mfa: readInteger(row, "mfa") === 1,
    issuedAtMs: readInteger(row, "issued_at_ms"),
    expiresAtMs: readInteger(row, "expires_at_ms"),
    address: readText(row, "address"),
    agent: readText(row, "agent"),
  };
}
