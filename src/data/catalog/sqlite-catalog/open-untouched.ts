import { constants, Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { existsAt, requireUsable } from "./file-id.ts";
import { catalogPath } from "./open-catalog.ts";

/**
 * Opens a catalog for a check. Where no connection and no write-ahead log is left, it is read as an immutable file, so
 * that not even SQLite's own side files appear; else read-only, and only the shared-memory index beside it is renewed.
 * Its form is not looked at: that is a finding of the check.
 * @param isServed a server runs, which may open the file at any time: it is not read as immutable
 * @throws CatalogUnavailableError when the file is missing or may not be read; SQLiteError when it is no database
 */
export function openUntouched(dataDir: string, bucketId: string, isServed = false): Database {
  const path = catalogPath(dataDir, bucketId);
  requireUsable(path, "read");
  const isQuiet = !isServed && !existsAt(`${path}-shm`) && sizeOrZero(`${path}-wal`) === 0;
  if (!isQuiet) return new Database(path, { readonly: true });
  return new Database(
    `${pathToFileURL(path).href}?immutable=1`,
    constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
  );
}

function sizeOrZero(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
