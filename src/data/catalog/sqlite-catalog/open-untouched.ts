import { constants, Database } from "bun:sqlite";
import { existsSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { CatalogUnavailableError, catalogPath } from "./open-catalog.ts";

/**
 * Opens a catalog for a check. Where no connection and no write-ahead log is left, it is read as an immutable file, so
 * that not even SQLite's own side files appear; else read-only, and only the shared-memory index beside it is renewed.
 * Its form is not looked at: that is a finding of the check.
 * @throws CatalogUnavailableError when the file is missing; SQLiteError when it is no database
 */
export function openUntouched(dataDir: string, bucketId: string): Database {
  const path = catalogPath(dataDir, bucketId);
  if (!existsSync(path)) throw new CatalogUnavailableError(`The catalog of bucket ${bucketId} is missing`);
  const isQuiet = !existsSync(`${path}-shm`) && sizeOrZero(`${path}-wal`) === 0;
  if (!isQuiet) return new Database(path, { readonly: true });
  return new Database(
    `${pathToFileURL(path).href}?immutable=1`,
    constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
  );
}

function sizeOrZero(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
