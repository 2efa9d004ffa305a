import { Database } from "bun:sqlite";
import { chmodSync, closeSync, constants, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { CatalogUnavailableError } from "./catalog-unavailable-error.ts";
import { existsAt, requireUsable } from "./file-id.ts";
import { formSteps, oldestSchemaVersion, schemaVersion } from "./schema.ts";

const pageBytes = 4096;
const writerCacheKiB = 16_384;
const readerCacheKiB = 2_048;
/** What a write-ahead log that grew beyond it is cut back to when it begins anew; below, its blocks are used again. */
const keptLogBytes = 64 * 2 ** 20;
const openingBusyTimeoutMs = 5_000;
const runningBusyTimeoutMs = 250;

/** Folder of a bucket below the data folder. Everything of the bucket is in it. */
export function bucketFolder(dataDir: string, bucketId: string): string {
  return join(dataDir, "buckets", bucketId);
}

/** Path of a bucket's catalog. */
export function catalogPath(dataDir: string, bucketId: string): string {
  return join(bucketFolder(dataDir, bucketId), "index.db");
}

/** Makes directory entries below `folder` durable. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Makes the folder and the empty catalog of a bucket; every directory entry is synced when this returns. Repeating it
 * on an existing catalog changes nothing; a catalog that a crash left half made is completed.
 */
export function createCatalog(dataDir: string, bucketId: string): void {
  const folder = bucketFolder(dataDir, bucketId);
  mkdirSync(join(folder, "blobs"), { recursive: true, mode: 0o700 });
  const path = catalogPath(dataDir, bucketId);
  // Not when it is there: closing any handle of a database drops the locks that this process has on it.
  if (!existsAt(path)) closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
  const database = openWithPragmas(path, { readonly: false });
  try {
    if (readForm(database) === 0) bringToForm(database);
  } finally {
    database.close();
  }
  for (const each of [folder, dirname(folder), dataDir]) syncFolder(each);
}

/**
 * Opens a catalog for the writer, or read-only for a data worker.
 * @throws CatalogUnavailableError when the file is missing, may not be used, or is of a newer form
 */
export function openCatalog(dataDir: string, bucketId: string, mode: "write" | "read"): Database {
  const path = catalogPath(dataDir, bucketId);
  requireUsable(path, mode);
  if (mode === "write") makePrivate(path);
  const database = openWithPragmas(path, { readonly: mode === "read" });
  try {
    requireForm(database, path);
    if (mode === "write") bringToForm(database);
    // Nobody else writes: whoever locks the catalog for long is no part of the server, and must not hold up other buckets.
    setPragma(database, "busy_timeout", runningBusyTimeoutMs);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Number of the form a catalog has; 0 for one that was not made yet. */
export function readForm(database: Database): number {
  return readNumber(database, "user_version");
}

/** Whether versions of a catalog may share lists of extents (`extent_share`). */
export function hasSharedLists(database: Database): boolean {
  return readForm(database) >= 2;
}

function requireForm(database: Database, path: string): void {
  const form = readForm(database);
  if (form >= oldestSchemaVersion && form <= schemaVersion) return;
  if (form === 0) {
    throw new CatalogUnavailableError(
      `The catalog ${path} is empty or damaged, it has form 0: restore the folder of the bucket from a backup while the server is stopped`,
      "damaged",
    );
  }
  throw new CatalogUnavailableError(
    `The catalog ${path} has form ${form}, this release reads ${oldestSchemaVersion} to ${schemaVersion}`,
    "unreadable",
  );
}

/** Makes this release's form of an earlier one, all of it or nothing. */
function bringToForm(database: Database): void {
  const steps = formSteps.slice(readForm(database));
  if (steps.length === 0) return;
  database.transaction(() => {
    for (const step of steps) database.exec(step);
  })();
}

/** Earlier releases left the mode to the umask. SQLite gives the files beside it the mode of the catalog. */
function makePrivate(path: string): void {
  for (const each of [path, `${path}-wal`, `${path}-shm`]) {
    const found = statSync(each, { throwIfNoEntry: false });
    if (found && found.mode & 0o077) tryMakePrivate(each);
  }
}

/** A file of another user, or a file system without modes, is used as it is. */
function tryMakePrivate(path: string): void {
  try {
    chmodSync(path, 0o600);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

function openWithPragmas(path: string, options: { readonly: boolean }): Database {
  const database = options.readonly
    ? new Database(path, { readonly: true })
    : new Database(path, { readwrite: true, create: false });
  try {
    setPragmas(database, options);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function setPragmas(database: Database, options: { readonly: boolean }): void {
  // First of all: after a crash several threads open the catalog at once, and one of them recovers it while the others wait.
  setPragma(database, "busy_timeout", openingBusyTimeoutMs);
  if (!options.readonly) {
    database.exec(`PRAGMA page_size = ${pageBytes}`);
    setPragma(database, "journal_mode", "wal");
    setPragma(database, "synchronous", 2);
    setPragma(database, "wal_autocheckpoint", 0);
    setPragma(database, "journal_size_limit", keptLogBytes);
  }
  setPragma(database, "cache_size", options.readonly ? -readerCacheKiB : -writerCacheKiB);
  setPragma(database, "trusted_schema", 0);
  setPragma(database, "temp_store", 2);
}

/** SQLite ignores a misspelt pragma, so each is read back. */
function setPragma(database: Database, name: string, value: string | number): void {
  database.query(`PRAGMA ${name} = ${value}`).values();
  const found = readPragma(database, name);
  if (found !== value) throw new Error(`PRAGMA ${name} is ${String(found)}, wanted ${value}`);
}

function readPragma(database: Database, name: string): unknown {
  return database.query(`PRAGMA ${name}`).values()[0]?.[0];
}

function readNumber(database: Database, name: string): number {
  return Number(readPragma(database, name));
}
