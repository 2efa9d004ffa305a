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

const keyBytes = 32;

/** Id of the root key that the stored keys are sealed with, or undefined when there are none. */
export async function readRootKeyId(database: ControlQueries): Promise<string | undefined> {
  const rows = await database.all("SELECT root_key_id FROM key_encryption_keys ORDER BY version DESC LIMIT 1");
  return rows[0] && readText(rows[0], "root_key_id");
}

/**
 * All key-encryption keys, oldest first; the first start makes version 1.
 * @throws StartRefusedError when a stored key does not open under the root key.
 */
export async function openKeyEncryptionKeys(source: KeyEncryptionKeySource): Promise<readonly KeyEncryptionKey[]> {
  const { database, rootKey, clock, random } = source;
  const sealer = new Sealer(deriveKey(rootKey, "key-encryption-keys"), random);
  const rows = await database.all("SELECT version, sealed_key FROM key_encryption_keys ORDER BY version");
  if (rows.length > 0) {
    return rows.map((row) => {
      const version = readInteger(row, "version");
      return { version, key: openKey(sealer, version, readText(row, "sealed_key")) };
    });
  }
  const first = { version: 1, key: random.bytes(keyBytes) };
  await database.run(
    "INSERT INTO key_encryption_keys (version, root_key_id, sealed_key, created_at_ms) VALUES ($1, $2, $3, $4)",
    [first.version, rootKey.id, sealer.seal(first.key, placeOf(first.version)), clock.nowMs()],
  );
  return [first];
}

function openKey(sealer: Sealer, version: number, sealed: string): Uint8Array {
  try {
    return sealer.open(sealed, placeOf(version));
  } catch (error) {
    if (!(error instanceof SealBrokenError)) throw error;
    throw new StartRefusedError(`Key-encryption key ${version} is damaged: it does not open under the root key`);
  }
}

function placeOf(version: number): { table: string; row: string; column: string } {
  return { table: "key_encryption_keys", row: String(version), column: "sealed_key" };
}
