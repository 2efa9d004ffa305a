import { readControlDatabase } from "../database/read-control-database.ts";
import { type FolderKeysSource, openFolderKeys } from "./folder-keys.ts";
import { exportRecoveryBundle } from "./recovery-bundle.ts";

/** A recovery bundle, and whose it is. */
interface KeyExport {
  readonly rootKeyId: string;
  readonly bundle: string;
}

/**
 * A recovery bundle of a data folder's keys.
 * @param readPassphrase asked once the keys are open, so that nobody types one for nothing
 * @returns undefined when the folder has no control database
 * @throws StartRefusedError when the root key does not fit; RecoveryBundleError when the passphrase is too short
 */
export async function exportKeys(
  source: FolderKeysSource,
  readPassphrase: () => Promise<string>,
): Promise<KeyExport | undefined> {
  const database = readControlDatabase(source.dataDir);
  if (database === undefined) return undefined;
  const keys = await openFolderKeys(database, source).finally(() => database.close());
  const bundle = await exportRecoveryBundle(keys, await readPassphrase(), source.random);
  return { rootKeyId: keys.rootKey.id, bundle };
}
