import type { Random } from "#kernel/base/random.ts";
import type { ControlReader } from "../database/read-control-database.ts";
import { StartRefusedError } from "../start-refused-error.ts";
import { keySealer, readKeyEncryptionKeys, readRootKeyId } from "./key-encryption-keys.ts";
import type { RecoveryKeys } from "./recovery-bundle.ts";
import { openRootKey } from "./root-key.ts";

/** Whose keys, and what they are opened with. */
export interface FolderKeysSource {
  readonly dataDir: string;
  /** 32 bytes from the configuration; they win over the file. */
  readonly given: Uint8Array | undefined;
  readonly random: Random;
}

/**
 * The keys of a data folder that has some, beside a running server or without one; nothing is made.
 * @throws StartRefusedError when the folder has none yet, or the root key is missing or does not fit.
 */
export async function openFolderKeys(database: ControlReader, source: FolderKeysSource): Promise<RecoveryKeys> {
  const wantedId = await readRootKeyId(database);
  if (wantedId === undefined) throw new StartRefusedError(`The data folder ${source.dataDir} has no keys yet`);
  const rootKey = openRootKey({ ...source, wantedId, hasObjects: true });
  return { rootKey, keys: await readKeyEncryptionKeys(database, keySealer(rootKey, source.random)) };
}
