import { SQLiteError } from "bun:sqlite";
import { accessSync, constants, statSync } from "node:fs";
import { StartRefusedError } from "../start-refused-error.ts";

/** The control database cannot be used now. The message is for the log: it names the path. */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
}

/** What to do about files that the system refuses. */
export const howToGiveBack =
  "control.db and the files beside it must be files that belong to the user of the server (0600)";

/** True when another process holds a lock on the control database: the same call may succeed later. */
export function isLocked(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(error.code ?? "");
}

/**
 * What a failure to open the control database at `path` means for the operator; an error that has nothing to do with the file
 * comes back as it is.
 */
export function explainOpenFailure(error: unknown, path: string): unknown {
  if (!(error instanceof SQLiteError)) return explainSystemFailure(error, path);
  const code = error.code ?? "SQLITE_ERROR";
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new StartRefusedError(
      `The control database ${path} is damaged (${code}: ${error.message}). It holds keys, users and the names of buckets; objects are not touched. Keep it and its -wal aside, put a backup of it in its place (${path}.pre-N is a copy from before an upgrade), then run \`maxiofs check\``,
    );
  }
  if (isLocked(error))
    return new StartRefusedError(`The control database ${path} is locked by another process (${code})`);
  return explainRefusal(error, path);
}

function explainSystemFailure(error: unknown, path: string): unknown {
  return error instanceof Error && "syscall" in error ? explainRefusal(error, path) : error;
}

function explainRefusal(error: unknown, path: string): unknown {
  const refusal = findRefusal(path);
  return refusal === undefined ? error : new StartRefusedError(`The control database cannot be used: ${refusal}`);
}

/** Which file the system refuses, why, and what to do; SQLite does not say. It is not opened for that: closing it would drop locks. */
function findRefusal(path: string): string | undefined {
  for (const each of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      accessSync(each, constants.R_OK | constants.W_OK);
      if (!statSync(each).isFile()) return `${each} is no file; ${howToGiveBack}`;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      if (code !== "ENOENT") return `${each}: ${code}; ${howToGiveBack}`;
    }
  }
  return undefined;
}
