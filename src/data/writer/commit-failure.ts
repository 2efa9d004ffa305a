import { SQLiteError } from "bun:sqlite";
import type { CatalogProblemKind } from "#kernel/protocol/catalog-problem.ts";
import type { MutationFailure } from "#kernel/protocol/mutation.ts";
import { describeProblem, findProblemKind } from "../catalog/catalog-problem.ts";
import { CatalogUnavailableError } from "../catalog/sqlite-catalog/catalog-unavailable-error.ts";

/** The answer to clients, and the reason for the log (it may name a path, but no key). */
export interface CommitFailure {
  readonly result: MutationFailure;
  readonly reason: string;
  /** What it says about the bucket, when it does. */
  readonly problem: CatalogProblemKind | undefined;
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
  const facts = { reason: describeProblem(error), problem: findProblemKind(error) };
  if (error instanceof CatalogUnavailableError) {
    const message = "The catalog of this bucket is not available";
    return { result: { ok: false, code: "ServiceUnavailable", message }, ...facts, scope: "catalog" };
  }
  if (error instanceof SQLiteError) {
    const scope = catalogCodes.some((code) => hasCode(error, code)) ? "catalog" : "mutation";
    return { result: toResult(error), ...facts, scope };
  }
  return { result: { ok: false, code: "InternalError" }, ...facts, scope: "mutation" };
}

function toResult(error: SQLiteError): MutationFailure {
  if (hasCode(error, "SQLITE_FULL")) return { ok: false, code: "InsufficientStorage" };
  if (hasCode(error, "SQLITE_CORRUPT") || hasCode(error, "SQLITE_NOTADB")) {
    return { ok: false, code: "ServiceUnavailable", message: "The catalog of this bucket is damaged" };
  }
  if (findProblemKind(error) === "locked") {
    return { ok: false, code: "SlowDown", message: "The catalog of this bucket is locked by another process" };
  }
  return { ok: false, code: "InternalError" };
}

function hasCode(error: SQLiteError, code: string): boolean {
  return error.code?.startsWith(code) ?? false;
}
