import { accessSync, type BigIntStats, constants, statSync } from "node:fs";
import { CatalogUnavailableError } from "./catalog-unavailable-error.ts";

/** Which file stands at a path: device and inode, exact (inodes of some file systems are above 2^53). */
export interface FileId {
  readonly device: bigint;
  readonly inode: bigint;
}

/** A file that was found, and how long it was then. */
export interface FoundFile extends FileId {
  readonly sizeBytes: number;
}

/** What is at `path`, symbolic links followed; undefined only when there is nothing. @throws the error of the system otherwise */
export function findFile(path: string): FoundFile | undefined {
  const found = readStatus(path);
  return found && { device: found.dev, inode: found.ino, sizeBytes: Number(found.size) };
}

/** True for the same file. */
export function isSameFile(a: FileId, b: FileId): boolean {
  return a.inode === b.inode && a.device === b.device;
}

/** Whether something is at `path`. @throws the error of the system when that cannot be told, such as EACCES */
export function existsAt(path: string): boolean {
  return readStatus(path) !== undefined;
}

/**
 * Makes sure that this process may use a catalog, since SQLite does not say why it cannot open one. It is not opened for
 * that: closing any handle of a database drops the locks that this process has on it.
 * @throws CatalogUnavailableError `lost` when there is no such file, `unreadable` naming path and code otherwise
 */
export function requireUsable(path: string, mode: "read" | "write"): void {
  try {
    if (!existsAt(path)) throw missing(path);
    accessSync(path, mode === "read" ? constants.R_OK : constants.R_OK | constants.W_OK);
  } catch (error) {
    if (error instanceof CatalogUnavailableError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new CatalogUnavailableError(`The catalog ${path} cannot be used: ${code}`, "unreadable");
  }
}

function missing(path: string): CatalogUnavailableError {
  return new CatalogUnavailableError(
    `The catalog ${path} is missing: put it back with the -wal that was beside it, or restore the folder of the bucket from a backup while the server is stopped`,
    "lost",
  );
}

function readStatus(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
