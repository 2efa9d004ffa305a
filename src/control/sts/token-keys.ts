import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { TokenKeyEntry } from "#kernel/protocol/sts.ts";
import { sessionSeconds } from "#kernel/sts/parse-session-order.ts";
import type { ControlDatabase, ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";
import type { SealedPlace, Sealer } from "../encryption/seal.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";

/** A key seals tokens for so long. */
export const tokenKeyLifeMs = 7 * 86_400_000;
/** A key seals so many tokens. Source: NIST SP 800-38D, section 8.3, with random nonces. */
export const maxTokensPerKey = 2 ** 30;

/** The longest that a token may live, ms: a key that seals no more is kept until its last one has ended. */
const longestTokenMs = sessionSeconds.maxOwn * 1000;
const keyBytes = 32;
const keyIdBytes = 4;

/** A stored key with its age and use. */
export interface StoredTokenKey extends TokenKeyEntry {
  readonly createdAtMs: number;
  readonly issuedCount: number;
}

/** What the keys stand on. */
export interface TokenKeysOptions {
  readonly database: ControlDatabase;
  readonly sealer: Sealer;
  /** As read when the database was opened, oldest first. */
  readonly stored: readonly StoredTokenKey[];
  readonly publisher: SnapshotPublisher;
  readonly clock: Clock;
  readonly random: Random;
}

/** All token keys, oldest first. @throws SealBrokenError when one does not open. */
export async function readTokenKeys(
  queries: Pick<ControlQueries, "all">,
  sealer: Sealer,
): Promise<readonly StoredTokenKey[]> {
  const rows = await queries.all(
    "SELECT key_id, sealed_key, created_at_ms, issued_count FROM token_keys ORDER BY created_at_ms, key_id",
  );
  return rows.map((row) => readKey(row, sealer));
}

/**
 * The keys that seal session tokens: random, used for nothing else, replaced after 7 days or 2^30 tokens. Callers take turns: no
 * two calls may run at the same time.
 */
export class TokenKeys {
  readonly #options: TokenKeysOptions;
  #keys: readonly StoredTokenKey[];

  constructor(options: TokenKeysOptions) {
    this.#options = options;
    this.#keys = options.stored;
  }

  /** The key to seal with now; a new one is known to every worker before it is returned. */
  async current(): Promise<TokenKeyEntry> {
    const newest = this.#keys.at(-1);
    return newest === undefined || this.#isWorn(newest) ? this.#make() : newest;
  }

  /** Counts a token, in the transaction that gives it out. */
  async count(queries: ControlQueries, { keyId }: TokenKeyEntry): Promise<void> {
    await queries.run("UPDATE token_keys SET issued_count = issued_count + 1 WHERE key_id = $1", [keyId]);
    this.#keys = this.#keys.map((key) => (key.keyId === keyId ? { ...key, issuedCount: key.issuedCount + 1 } : key));
  }

  /** Replaces a worn key and removes those whose last token has ended. Call it now and then. */
  async runUpkeep(): Promise<void> {
    const { database, publisher, clock } = this.#options;
    if (this.#keys.length === 0) return;
    await this.current();
    const isNeeded = (_: StoredTokenKey, index: number) => {
      const successor = this.#keys[index + 1];
      return successor === undefined || clock.nowMs() < successor.createdAtMs + longestTokenMs;
    };
    const ended = this.#keys.filter((key, index) => !isNeeded(key, index));
    for (const { keyId } of ended) {
      await database.run("DELETE FROM token_keys WHERE key_id = $1", [keyId]);
      this.#keys = this.#keys.filter((key) => key.keyId !== keyId);
      await publisher.publish([{ kind: "tokenKey", id: keyId, value: null }]);
    }
  }

  #isWorn({ createdAtMs, issuedCount }: StoredTokenKey): boolean {
    return issuedCount >= maxTokensPerKey || this.#options.clock.nowMs() >= createdAtMs + tokenKeyLifeMs;
  }

  async #make(): Promise<StoredTokenKey> {
    const { database, sealer, publisher, clock, random } = this.#options;
    let keyId: string;
    do keyId = Buffer.from(random.bytes(keyIdBytes)).toString("hex");
    while (this.#keys.some((key) => key.keyId === keyId));
    const made = { keyId, key: random.bytes(keyBytes), createdAtMs: clock.nowMs(), issuedCount: 0 };
    await database.run(
      "INSERT INTO token_keys (key_id, sealed_key, created_at_ms, issued_count) VALUES ($1, $2, $3, 0)",
      [keyId, sealer.seal(made.key, placeOf(keyId)), made.createdAtMs],
    );
    this.#keys = [...this.#keys, made];
    await publisher.publish([{ kind: "tokenKey", id: keyId, value: { keyId, key: made.key } }]);
    return made;
  }
}

function readKey(row: SqlRow, sealer: Sealer): StoredTokenKey {
  const keyId = readText(row, "key_id");
  return {
    keyId,
    key: sealer.open(readText(row, "sealed_key"), placeOf(keyId)),
    createdAtMs: readInteger(row, "created_at_ms"),
    issuedCount: readInteger(row, "issued_count"),
  };
}

function placeOf(keyId: string): SealedPlace {
  return { table: "token_keys", row: keyId, column: "sealed_key" };
}
