import { SQLiteError } from "bun:sqlite";
import { describeFileError } from "#kernel/settings/file-text.ts";
import { CatalogUnavailableError } from "./sqlite-catalog/catalog-unavailable-error.ts";

const systemCodes = ["EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM"];
const sqliteCodes = [
  "SQLITE_CANTOPEN",
  "SQLITE_PERM",
  "SQLITE_AUTH",
  "SQLITE_BUSY",
  "SQLITE_LOCKED",
  "SQLITE_READONLY",
  "SQLITE_NOMEM",
];

/** Why something could not be read, when that says nothing about what is stored: permissions, locks, lack of handles. Else undefined. */
export function describeUnreadable(error: unknown): string | undefined {
  if (error instanceof CatalogUnavailableError && (error.kind === "unreadable" || error.kind === "locked"))
    return error.message;
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  const { code } = error;
  if (error instanceof SQLiteError) {
    return sqliteCodes.some((each) => code.startsWith(each)) ? `${error.message} (${code})` : undefined;
  }
  return systemCodes.includes(code) ? `${describeFileError(error)} (${error.message})` : undefined;
}
