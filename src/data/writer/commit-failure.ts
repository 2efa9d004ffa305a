import { SQLiteError } from "bun:sqlite";
import type { MutationFailure } from "#kernel/protocol/mutation.ts";
import { CatalogUnavailableError } from "../catalog/sqlite-catalog/open-catalog.ts";

/** The answer to clients, and the reason for the log (no path, no key). */
export interface CommitFailure {
  readonly result: MutationFailure;
  readonly reason: string;
}

/** Maps what a failed transaction threw to the answer its requests get. Nothing of such a transaction was stored. */
export function describeCommitFailure(error: unknown): CommitFailure {
  if (error instanceof CatalogUnavailableError) {
    return { result: { ok: false, code: "ServiceUnavailable", message: "The catalog of this bucket is not available" }, reason: error.message };
  }
  if (error instanceof SQLiteError) {
    const reason = `${error.code ?? "SQLITE_ERROR"}: ${error.message}`;
    if (error.code?.startsWith("SQLITE_FULL")) return { result: { ok: false, code: "InsufficientStorage" }, reason };
    if (error.code?.startsWith("SQLITE_CORRUPT") || error.code?.startsWith("SQLITE_NOTADB")) {
      return { result: { ok: false, code: "ServiceUnavailable", message: "The catalog of this bucket is damaged" }, reason };
    }
    return { result: { ok: false, code: "InternalError" }, reason };
  }
  return { result: { ok: false, code: "InternalError" }, reason: error instanceof Error ? `${error.name}: ${error.message}` : "unknown" };
}
