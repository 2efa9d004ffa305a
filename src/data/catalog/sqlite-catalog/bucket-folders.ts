import { readdirSync } from "node:fs";
import { join } from "node:path";
import { existsAt } from "./file-id.ts";

/** Ids of the buckets that have a folder below the data folder, sorted; a catalog in it may be missing. @throws the error of the system when the folder cannot be read */
export function listBucketFolders(dataDir: string): string[] {
  const folder = join(dataDir, "buckets");
  if (!existsAt(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
