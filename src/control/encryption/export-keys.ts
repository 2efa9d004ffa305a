import { readControlDatabase } from "../database/read-control-database.ts";
import { type FolderKeysSource, openFolderKeys } from "./folder-keys.ts";
import { exportRecoveryBundle } from "./recovery-bundle.ts";

/**
 * A recovery bundle of a data folder's keys.
 * @param readPassphrase asked once the keys are open, so that nobody types one for nothing
 * @returns undefined when the folder has no control database
 * @throws StartRefusedError when the root key does not fit; RecoveryBundleError when the passphrase is too short
 */
export async function exportKeys(
  source: FolderKeysSource,
  readPassphrase: () => Promise<string>,
): Promise<string | undefined> {
  const database = readControlDatabase(source.dataDir);
  if (database === undefined) return undefined;
  const keys = await openFolderKeys(database, source).finally(() => database.close());
  return exportRecoveryBundle(keys, await readPassphrase(), source.random);
}
