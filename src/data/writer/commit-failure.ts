import { SQLiteError } from "bun:sqlite";
import type { MutationFailure } from "#kernel/protocol/mutation.ts";
import { CatalogUnavailableError } from "../catalog/sqlite-catalog/open-catalog.ts";

/** The answer to clients, and the reason for the log (no path, no key). */
export interface CommitFailure {
  readonly result: MutationFailure;
  readonly reason: string;
  /**
   * `catalog`: disk or file, every mutation of the transaction would fail again. `mutation`: one of them may have caused
   * it, the others deserve another try.
   */
  readonly scope: "catalog" | "mutation";
}

/** SQLite codes that say nothing about what was to be written. Extended codes (SQLITE_IOERR_FSYNC) begin with them. */
const catalogCodes = [
  "SQLITE_FULL",
  "SQLITE_IOERR",
  "SQLITE_CORRUPT",
  "SQLITE_NOTADB",
  "SQLITE_BUSY",
  "SQLITE_LOCKED",
  "SQLITE_READONLY",
  "SQLITE_CANTOPEN",
  "SQLITE_NOMEM",
  "SQLITE_PROTOCOL",
] as const;

/** True when there was no room on the disk. */
export function isNoRoom(error: unknown): boolean {
  if (error instanceof SQLiteError) return hasCode(error, "SQLITE_FULL");
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** Maps what a failed transaction threw to the answer its requests get. Nothing of such a transaction was stored. */
export function describeCommitFailure(error: unknown): CommitFailure {
  if (error instanceof CatalogUnavailableError) {
    const message = "The catalog of this bucket is not available";
    return { result: { ok: false, code: "ServiceUnavailable", message }, reason: error.message, scope: "catalog" };
  }
  if (error instanceof SQLiteError) {
    const reason = `${error.code ?? "SQLITE_ERROR"}: ${error.message}`;
    const scope = catalogCodes.some((code) => hasCode(error, code)) ? "catalog" : "mutation";
    return { result: toResult(error), reason, scope };
  }
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : "unknown";
  return { result: { ok: false, code: "InternalError" }, reason, scope: "mutation" };
}

function toResult(error: SQLiteError): MutationFailure {
  if (hasCode(error, "SQLITE_FULL")) return { ok: false, code: "InsufficientStorage" };
  if (hasCode(error, "SQLITE_CORRUPT") || hasCode(error, "SQLITE_NOTADB")) {
    return { ok: false, code: "ServiceUnavailable", message: "The catalog of this bucket is damaged" };
  }
  return { ok: false, code: "InternalError" };
}

function hasCode(error: SQLiteError, code: string): boolean {
  return error.code?.startsWith(code) ?? false;
}
