import { chmodSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../observe/log.ts";
import { StartRefusedError } from "../start-refused-error.ts";

/** What tightening needs. */
export interface TightenOptions {
  /** Absolute path; it may be missing yet. */
  readonly dataDir: string;
  /** Effective user of this process, for the message. */
  readonly uid: number;
  readonly log: Pick<Log, "warn">;
  /** Replaced by tests, which run as root. */
  readonly chmod?: (path: string, mode: number) => void;
}

const groupAndOthers = 0o077;
const othersWrite = 0o002;
const sticky = 0o1000;
/** The root key is never tightened silently: a key that others could read is to be looked at. */
const rootKeyName = "root.key";

/**
 * Takes the rights of group and others away from the data folder, the files in it and `buckets`, with a line in the log for
 * the folder itself. What is below `buckets` is out of reach then. Where the mode cannot be changed:
 * - a folder of another user, who could read and replace everything, is refused;
 * - one of root is accepted, with a warning, unless everybody may write to it: volumes of orchestrators belong to root and a
 *   group of the process (setgid, mode 2775), and files inside have modes of their own;
 * - a file system without modes (CIFS, FAT) or mounted so that they do not change is accepted, with a warning.
 * A root user squashed by NFS is the owner of what it made, for the server that decides.
 * @throws StartRefusedError naming folder, owner and mode
 */
export function tightenDataFolder({ dataDir, uid, log, chmod = chmodSync }: TightenOptions): void {
  const found = statSync(dataDir, { throwIfNoEntry: false });
  if (!found) return;
  if (found.mode & groupAndOthers) {
    const before = renderMode(found.mode);
    const failure = tryChmod(chmod, dataDir, found.mode & ~groupAndOthers);
    const isForeign = failure === "EPERM" && found.uid !== uid;
    const isOpen = (found.mode & othersWrite) !== 0 && (found.mode & sticky) === 0;
    if (isForeign && (found.uid !== 0 || isOpen)) {
      throw new StartRefusedError(
        `The data folder ${dataDir} belongs to user ${found.uid} and has mode ${before}; this process is user ${uid} and may not change that: give it the folder (chown) or take the rights of others away (chmod 700)`,
      );
    }
    const fields = { dataDir, owner: found.uid, modeBefore: before, mode: renderMode(statSync(dataDir).mode) };
    if (failure === undefined && (statSync(dataDir).mode & groupAndOthers) === 0)
      log.warn("The data folder was open to other users: their rights were taken away", fields);
    else log.warn("The data folder is open to other users and its mode cannot be changed", fields);
  }
  for (const name of readdirSync(dataDir)) if (name !== rootKeyName) tightenEntry(join(dataDir, name), name, chmod);
}

function tightenEntry(path: string, name: string, chmod: (path: string, mode: number) => void): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found || (found.mode & groupAndOthers) === 0) return;
  if (found.isFile() || (found.isDirectory() && name === "buckets"))
    tryChmod(chmod, path, found.mode & ~groupAndOthers);
}

/** @returns the code of the failure, if there was one */
function tryChmod(chmod: (path: string, mode: number) => void, path: string, mode: number): string | undefined {
  try {
    chmod(path, mode & 0o7777);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown";
  }
}

function renderMode(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}
