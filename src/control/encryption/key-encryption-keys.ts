import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";
import { StartRefusedError } from "../start-refused-error.ts";
import { deriveKey, type RootKey } from "./root-key.ts";
import { SealBrokenError, Sealer } from "./seal.ts";

/** What loading and making key-encryption keys needs. */
export interface KeyEncryptionKeySource {
  readonly database: ControlDatabase;
  readonly rootKey: RootKey;
  readonly clock: Clock;
  readonly random: Random;
}

/** What reads the table. */
type KeyRows = Pick<ControlQueries, "all">;

const keyBytes = 32;

/** Id of the root key that the stored keys are sealed with, or undefined when there are none. */
export async function readRootKeyId(database: KeyRows): Promise<string | undefined> {
  const rows = await database.all("SELECT root_key_id FROM key_encryption_keys ORDER BY version DESC LIMIT 1");
  return rows[0] && readText(rows[0], "root_key_id");
}

/** A stored key: opened, or damaged. */
export interface StoredKey {
  readonly version: number;
  /** Undefined when it does not open under the root key. */
  readonly key: Uint8Array | undefined;
}

/** The stored keys as far as they open under the root key, oldest first. */
export async function readStoredKeys(database: KeyRows, sealer: Sealer): Promise<readonly StoredKey[]> {
  const rows = await database.all("SELECT version, sealed_key FROM key_encryption_keys ORDER BY version");
  return rows.map((row) => {
    const version = readInteger(row, "version");
    return { version, key: openKey(sealer, version, readText(row, "sealed_key")) };
  });
}

/**
 * All key-encryption keys, oldest first; none when nothing was ever stored.
 * @throws StartRefusedError when a stored key does not open under the root key.
 */
export async function readKeyEncryptionKeys(database: KeyRows, sealer: Sealer): Promise<readonly KeyEncryptionKey[]> {
  return (await readStoredKeys(database, sealer)).map(({ version, key }) => {
    if (key !== undefined) return { version, key };
    throw new StartRefusedError(
      `Key-encryption key ${version} in control.db is damaged: it does not open under the root key; restore it from a recovery bundle with \`maxiofs keys import\``,
    );
  });
}

/** All key-encryption keys, oldest first; the first start makes version 1. @throws StartRefusedError as `readKeyEncryptionKeys`. */
export async function openKeyEncryptionKeys(source: KeyEncryptionKeySource): Promise<readonly KeyEncryptionKey[]> {
  const { database, rootKey, clock, random } = source;
  const sealer = keySealer(rootKey, random);
  const stored = await readKeyEncryptionKeys(database, sealer);
  if (stored.length > 0) return stored;
  const first = { version: 1, key: random.bytes(keyBytes) };
  await database.run(
    "INSERT INTO key_encryption_keys (version, root_key_id, sealed_key, created_at_ms) VALUES ($1, $2, $3, $4)",
    [first.version, rootKey.id, sealer.seal(first.key, placeOf(first.version)), clock.nowMs()],
  );
  return [first];
}

/** Stores a key again in place of a damaged row. */
export async function resealKey(
  database: ControlDatabase,
  sealer: Sealer,
  { version, key }: KeyEncryptionKey,
): Promise<void> {
  const sealed = sealer.seal(key, placeOf(version));
  await database.run("UPDATE key_encryption_keys SET sealed_key = $1 WHERE version = $2", [sealed, version]);
}

/** What seals and opens the stored keys. */
export function keySealer(rootKey: RootKey, random: Random): Sealer {
  return new Sealer(deriveKey(rootKey, "key-encryption-keys"), random);
}

function openKey(sealer: Sealer, version: number, sealed: string): Uint8Array | undefined {
  try {
    return sealer.open(sealed, placeOf(version));
  } catch (error) {
    if (error instanceof SealBrokenError) return undefined;
    throw error;
  }
}

function placeOf(version: number): { table: string; row: string; column: string } {
  return { table: "key_encryption_keys", row: String(version), column: "sealed_key" };
}
