import { Database, SQLiteError } from "bun:sqlite";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createPrivateFile, syncFolder } from "./durable-file.ts";

/** Another process has the data folder. The message names both. */
class DataFolderInUseError extends Error {
  override readonly name = "DataFolderInUseError";
  /** `EX_CANTCREAT`. Source: sysexits.h. */
  readonly exitCode = 73;
}

/** The data folder is this process's until `release` or its end, however it ends. */
export interface DataFolderLock {
  release(): void;
}

const lockName = "lock.db";
const ownerName = "lock.pid";

/** Databases of the locks held: one that nobody refers to would be closed by the garbage collector, and its lock be gone. */
const held = new Set<Database>();

/**
 * Makes the data folder (mode 0700) when it is missing and takes it for this process alone. The lock is a record lock of the
 * system on `lock.db`, held by an open SQLite transaction: the kernel drops it when the process dies, so that nothing is
 * ever left behind. No other code of this process may open that file, since closing it would drop the lock too.
 * `lock.pid` only says who has it.
 * @throws DataFolderInUseError when another process has it.
 * @throws Error when the folder cannot be made or written.
 * Source: https://www.sqlite.org/lockingv3.html
 */
export function lockDataFolder(dataDir: string, pid: number): DataFolderLock {
  makeFolder(dataDir);
  makeLockFile(join(dataDir, lockName));
  const database = new Database(join(dataDir, lockName), { create: false, readwrite: true });
  try {
    database.run("PRAGMA busy_timeout = 0");
    // Nothing is ever written: a journal's file would want room on a full disk.
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!(error instanceof SQLiteError) || error.code !== "SQLITE_BUSY") throw error;
    throw new DataFolderInUseError(`The data folder ${dataDir} is in use by process ${readOwner(dataDir)}`);
  }
  tellOwner(dataDir, pid);
  held.add(database);
  return {
    release: () => {
      held.delete(database);
      database.close();
    },
  };
}

/**
 * Makes a folder and those above it that are missing, durably. The name of one that was there is synced too, since the process that
 * made it may have died before it came so far; where the folder above cannot be read, it was not made here.
 */
function makeFolder(folder: string): void {
  const topmost = mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let path = folder; ; path = dirname(path)) {
    const isOwn = topmost !== undefined && path.startsWith(topmost);
    try {
      syncFolder(dirname(path));
    } catch (error) {
      if (isOwn) throw error;
    }
    if (!isOwn || path === topmost) return;
  }
}

/** Who can open this file can lock it: SQLite would make it readable for everybody. */
function makeLockFile(path: string): void {
  if (existsSync(path)) return;
  try {
    createPrivateFile(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** On a full disk nobody is told: the lock holds all the same. */
function tellOwner(dataDir: string, pid: number): void {
  try {
    writeFileSync(join(dataDir, ownerName), `${pid}\n`, { mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}

function readOwner(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, ownerName), "utf8").trim().slice(0, 20) || "unknown";
  } catch {
    return "unknown";
  }
}

/**
 * Process id of the server that has the data folder, `unknown` when it does not say; undefined when none runs. Nothing is changed.
 * Not for the process that has the lock itself: closing the file would drop it.
 */
export function findServer(dataDir: string): string | undefined {
  const path = join(dataDir, lockName);
  if (!existsSync(path)) return undefined;
  const database = new Database(path, { readonly: true });
  try {
    database.run("PRAGMA busy_timeout = 0");
    database.query("SELECT name FROM sqlite_schema").values();
    return undefined;
  } catch (error) {
    if (error instanceof SQLiteError && error.code === "SQLITE_BUSY") return readOwner(dataDir);
    throw error;
  } finally {
    database.close();
  }
}
