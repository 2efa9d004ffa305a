import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Ids of the buckets that have a folder below the data folder, sorted; a catalog in it may be missing. */
export function listBucketFolders(dataDir: string): string[] {
  const folder = join(dataDir, "buckets");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
