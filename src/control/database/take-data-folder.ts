import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { describeFileError } from "#kernel/settings/file-text.ts";
import { type DataFolderLock, lockDataFolder } from "./lock-data-folder.ts";
import { type TightenOptions, tightenDataFolder } from "./tighten-data-folder.ts";

/** The data folder cannot be used. The message is one line with its path, the reason and what is wanted. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
  /** `EX_CANTCREAT`. Source: sysexits.h. */
  readonly exitCode = 73;
}

/** What a data folder holds, whatever of it is left. */
const ownNames = /^(?:control\.|root\.key|lock\.|reserve\.bin|(?:buckets|audit)$)/;

/** Which folder is taken, and by whom. */
export interface TakeOptions extends TightenOptions {
  /** Of this process; it says who has the folder. */
  readonly pid: number;
}

/**
 * Makes the data folder when it is missing, takes the rights of other users away from it, and takes it for this process alone: see
 * `tightenDataFolder` and `lockDataFolder`.
 * @throws DataFolderError when it is no folder, cannot be made, holds other things only, or this user may not write in it.
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
