import { clientNetwork } from "#kernel/policy/client-network.ts";
import type { ControlQueries } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";

/** A challenge lives this long, ms. */
const challengeLifetimeMs = 180_000;
/** Codes that may be tried with one challenge. */
const challengeTries = 5;
/** Open challenges of a user; the one that ends first gives way. */
const maxChallenges = 10;

/** The first step of a log-in, waiting for the second. */
export interface Challenge {
  readonly challengeHash: string;
  readonly userId: string;
  /** Of the password that was given: a changed one ends it. */
  readonly passwordVersion: number;
  /** Where it was opened; the second step must come from there. */
  readonly address: string;
}

/** Stores a challenge with all its tries. */
export async function insertChallenge(queries: ControlQueries, challenge: Challenge, nowMs: number): Promise<void> {
  const { challengeHash, userId, passwordVersion, address } = challenge;
  await queries.run(
    `DELETE FROM login_challenges WHERE user_id = $1 AND challenge_hash NOT IN
       (SELECT challenge_hash FROM login_challenges WHERE user_id = $2 ORDER BY expires_at_ms DESC, challenge_hash LIMIT $3)`,
    [userId, userId, maxChallenges - 1],
  );
  await queries.run(
    `INSERT INTO login_challenges (challenge_hash, user_id, password_version, address, expires_at_ms, tries_left)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [challengeHash, userId, passwordVersion, clientNetwork(address), nowMs + challengeLifetimeMs, challengeTries],
  );
}

/** Uses up one try of a challenge; undefined when there is none for this address, it is over, or no try is left. */
export async function takeTry(
  queries: ControlQueries,
  challengeHash: string,
  at: { readonly address: string; readonly nowMs: number },
): Promise<Challenge | undefined> {
  const [row] = await queries.all(
    `SELECT user_id, password_version, address, expires_at_ms, tries_left FROM login_challenges
     WHERE challenge_hash = $1`,
    [challengeHash],
  );
  if (row === undefined) return undefined;
  await queries.run("UPDATE login_challenges SET tries_left = tries_left - 1 WHERE challenge_hash = $1", [
    challengeHash,
  ]);
  const address = readText(row, "address");
  const isOver = readInteger(row, "expires_at_ms") <= at.nowMs || readInteger(row, "tries_left") <= 0;
  if (isOver || address !== clientNetwork(at.address)) return undefined;
  return {
    challengeHash,
    userId: readText(row, "user_id"),
    passwordVersion: readInteger(row, "password_version"),
    address,
  };
}

/** Removes a challenge. @returns false when somebody else did. */
export async function removeChallenge(queries: ControlQueries, challengeHash: string): Promise<boolean> {
  return (await queries.run("DELETE FROM login_challenges WHERE challenge_hash = $1", [challengeHash])) === 1;
}

/** Removes what is over. */
export async function sweepChallenges(queries: ControlQueries, nowMs: number): Promise<void> {
  await queries.run("DELETE FROM login_challenges WHERE expires_at_ms < $1", [nowMs]);
}
