import type { Usage } from "#kernel/protocol/quota.ts";
import { toNumbers } from "./bucket-state.ts";
import { existsAt } from "./file-id.ts";
import { bucketFolder } from "./open-catalog.ts";
import { openUntouched } from "./open-untouched.ts";

/**
 * What counts against quotas, from the numbers that a catalog stores with each commit; no key is read. A bucket without a
 * folder holds nothing. For the writer thread alone: while it reads nobody writes, so that nothing appears beside the catalog.
 * @throws CatalogUnavailableError, or the database's error
 */
export function readUsage(dataDir: string, bucketId: string): Usage {
  if (!existsAt(bucketFolder(dataDir, bucketId))) return { bytes: 0, objects: 0 };
  const database = openUntouched(dataDir, bucketId);
  try {
    const statement = database.prepare("SELECT name, value FROM bucket_state");
    const { bytes, partBytes, objects } = toNumbers(statement.values() as [string, number][]);
    statement.finalize();
    return { bytes: bytes + partBytes, objects };
  } finally {
    database.close();
  }
}
