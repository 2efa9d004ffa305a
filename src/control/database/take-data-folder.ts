import { accessSync, constants, readdirSync, statfsSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describeFileError } from "#kernel/settings/file-text.ts";
import { type DataFolderLock, lockDataFolder } from "./lock-data-folder.ts";
import { type TightenOptions, tightenDataFolder } from "./tighten-data-folder.ts";

/** The data folder cannot be used. The message is one line with its path, the reason and what is wanted. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
  /** `EX_CANTCREAT`. Source: sysexits.h. */
  readonly exitCode = 73;
}

/** What databases take before the first change, and more. */
const startRoomBytes = 4 * 2 ** 20;
const leastRoomBytes = 256 * 2 ** 10;
/** What a data folder holds, whatever of it is left. */
const ownNames = /^(?:control\.|root\.key|lock\.|reserve\.bin|(?:buckets|audit)$)/;

/** Which folder is taken, and by whom. */
export interface TakeOptions extends TightenOptions {
  /** Of this process; it says who has the folder. */
  readonly pid: number;
  /** Free bytes of a folder's disk; replaced by tests. */
  readonly freeBytes?: (folder: string) => number;
}

/**
 * Makes the data folder when it is missing, takes the rights of other users away from it, and takes it for this process alone: see
 * `tightenDataFolder` and `lockDataFolder`.
 * @throws DataFolderError when it is no folder, cannot be made, holds other things only, is on a full disk, or this user may not write in it.
 * @throws DataFolderInUseError when another process has it.
 * @throws StartRefusedError when it is another user's who keeps rights in it.
 */
export function takeDataFolder({ pid, ...options }: TakeOptions): DataFolderLock {
  const { dataDir } = options;
  if (isThere(dataDir)) {
    requireAccess(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    requireOwn(dataDir);
    tightenDataFolder(options);
  }
  const lock = takeLock(dataDir, pid);
  try {
    makeStartRoom(options);
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

function takeLock(dataDir: string, pid: number): DataFolderLock {
  try {
    return lockDataFolder(dataDir, pid);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw refuse(dataDir, `cannot be made: ${describeFileError(error)}`);
  }
}

/**
 * Sees that a data folder can be read.
 * @throws DataFolderError when it is missing, is no folder, or this user may not read it.
 */
export function requireDataFolder(dataDir: string): void {
  if (!isThere(dataDir)) throw refuse(dataDir, "cannot be read: it does not exist");
  requireAccess(dataDir, constants.R_OK | constants.X_OK);
}

function isThere(dataDir: string): boolean {
  try {
    const found = statSync(dataDir, { throwIfNoEntry: false });
    if (found === undefined) return false;
    if (found.isDirectory()) return true;
  } catch (error) {
    throw refuse(dataDir, `cannot be reached: ${describeFileError(error)}`);
  }
  throw refuse(dataDir, "is no folder");
}

/** A slip in the path must not lock other users out of a folder that is none of ours, such as `/tmp`. */
function requireOwn(dataDir: string): void {
  const names = readdirSync(dataDir).filter((name) => name !== "lost+found");
  if (names.length > 0 && !names.some((name) => ownNames.test(name))) throw refuse(dataDir, "holds other things");
}

/**
 * Who restarts a server on a full disk wants it to read and delete: some of the room that is kept for deletes is for the start.
 * @throws DataFolderError when there is none
 */
function makeStartRoom({ dataDir, log, freeBytes = freeBytesOf }: Omit<TakeOptions, "pid">): void {
  const path = join(dataDir, "reserve.bin");
  const keptBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (freeBytes(dataDir) < startRoomBytes && keptBytes > 0) {
    truncateSync(path, Math.max(0, keptBytes - startRoomBytes));
    log.warn("The disk is full: some of the room kept for deletes was given up for the start", { dataDir });
  }
  if (freeBytes(dataDir) >= leastRoomBytes) return;
  const wanted = `a start wants ${leastRoomBytes / 1024} KiB: make room outside it`;
  throw new DataFolderError(`The data folder ${dataDir} is on a full disk, and ${wanted}`);
}

function freeBytesOf(dataDir: string): number {
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize;
}

function requireAccess(dataDir: string, mode: number): void {
  try {
    accessSync(dataDir, mode);
  } catch (error) {
    const isWrite = (mode & constants.W_OK) !== 0;
    throw refuse(dataDir, `cannot be ${isWrite ? "written" : "read"}: ${describeFileError(error)}`);
  }
}

function refuse(dataDir: string, reason: string): DataFolderError {
  return new DataFolderError(
    `The data folder ${dataDir} ${reason}; --data (MAXIOFS_DATA) must name a data folder or an empty folder of this user, or a path where one can be made`,
  );
}
