import { SQLiteError } from "bun:sqlite";
import { accessSync, constants } from "node:fs";
import { StartRefusedError } from "../start-refused-error.ts";

/** The control database cannot be used now. The message is for the log: it names the path. */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
}

/** True when another process holds a lock on the control database: the same call may succeed later. */
export function isLocked(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(error.code ?? "");
}

/**
 * What a failure to open the control database at `path` means for the operator; an error that has nothing to do with the file
 * comes back as it is.
 */
export function explainOpenFailure(error: unknown, path: string): unknown {
  if (!(error instanceof SQLiteError)) return error;
  const code = error.code ?? "SQLITE_ERROR";
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new StartRefusedError(
      `The control database ${path} is damaged (${code}: ${error.message}). It holds keys, users and the names of buckets; objects are not touched. Keep it and its -wal aside, put a backup of it in its place (${path}.pre-N is a copy from before an upgrade), then run \`maxiofs check\``,
    );
  }
  if (isLocked(error))
    return new StartRefusedError(`The control database ${path} is locked by another process (${code})`);
  const refusal = findRefusal(path);
  if (refusal !== undefined)
    return new StartRefusedError(
      `The control database ${path} cannot be used: ${refusal}; it and the files beside it must belong to the user of the server (0600)`,
    );
  return error;
}

/** Why the system refuses a file; SQLite does not say. It is not opened for that: closing it would drop locks. */
function findRefusal(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}
