import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";

/** An API token as it is stored: the token itself is not. */
export interface TokenRow {
  /** ULID; names the token and gives no right. */
  readonly tokenId: string;
  readonly userId: string;
  readonly name: string;
  /** Text of the policy that narrows it; undefined: it may do what its user may. */
  readonly policy: string | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** Tokens of a user. */
export const maxTokens = 100;

const COLUMNS = "token_id, user_id, name, policy, created_at_ms, expires_at_ms";

/** Stores a token by its hash. */
export async function insertToken(queries: ControlQueries, hash: string, token: TokenRow): Promise<void> {
  const { tokenId, userId, name, policy = null, createdAtMs, expiresAtMs } = token;
  await queries.run(
    `INSERT INTO api_tokens (token_id, token_hash, user_id, name, policy, created_at_ms, expires_at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [tokenId, hash, userId, name, policy, createdAtMs, expiresAtMs],
  );
}

/** The token of this hash; undefined when there is none. */
export async function findToken(queries: ControlQueries, hash: string): Promise<TokenRow | undefined> {
  const [row] = await queries.all(`SELECT ${COLUMNS} FROM api_tokens WHERE token_hash = $1`, [hash]);
  return row && readToken(row);
}

/** Tokens of a user, the latest first. */
export async function listTokens(queries: ControlQueries, userId: string): Promise<readonly TokenRow[]> {
  const rows = await queries.all(
    `SELECT ${COLUMNS} FROM api_tokens WHERE user_id = $1 ORDER BY token_id DESC LIMIT $2`,
    [userId, maxTokens],
  );
  return rows.map(readToken);
}

/** How many tokens a user has. */
export async function countTokens(queries: ControlQueries, userId: string): Promise<number> {
  const [row] = await queries.all("SELECT COUNT(*) AS count FROM api_tokens WHERE user_id = $1", [userId]);
  return row === undefined ? 0 : readInteger(row, "count");
}

/** Removes one token of a user. @returns false when there is none. */
export async function removeToken(queries: ControlQueries, userId: string, tokenId: string): Promise<boolean> {
  return (await queries.run("DELETE FROM api_tokens WHERE user_id = $1 AND token_id = $2", [userId, tokenId])) === 1;
}

/** Removes all tokens of a user. @returns how many there were */
export async function removeTokens(queries: ControlQueries, userId: string): Promise<number> {
  return queries.run("DELETE FROM api_tokens WHERE user_id = $1", [userId]);
}

/** Removes tokens that expired before a time. */
export async function sweepTokens(queries: ControlQueries, beforeMs: number): Promise<void> {
  await queries.run("DELETE FROM api_tokens WHERE expires_at_ms < $1", [beforeMs]);
}

function readToken(row: SqlRow): TokenRow {
  return {
    tokenId: readText(row, "token_id"),
    userId: readText(row, "user_id"),
    name: readText(row, "name"),
    policy: row["policy"] === null ? undefined : readText(row, "policy"),
    createdAtMs: readInteger(row, "created_at_ms"),
    expiresAtMs: readInteger(row, "expires_at_ms"),
  };
}
