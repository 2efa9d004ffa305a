import { SQLiteError } from "bun:sqlite";
import type { CatalogProblemKind } from "#kernel/protocol/catalog-problem.ts";
import { DamagedBytesError } from "../crypto/inline-body.ts";
import { CatalogUnavailableError } from "./sqlite-catalog/catalog-unavailable-error.ts";

/** Beginnings of SQLite's codes: extended ones (SQLITE_CORRUPT_INDEX) begin with them. */
const sqliteKinds: readonly (readonly [code: string, kind: CatalogProblemKind])[] = [
  ["SQLITE_CORRUPT", "damaged"],
  ["SQLITE_NOTADB", "damaged"],
  ["SQLITE_BUSY", "locked"],
  ["SQLITE_LOCKED", "locked"],
  ["SQLITE_PROTOCOL", "locked"],
  ["SQLITE_READONLY_DBMOVED", "lost"],
  ["SQLITE_CANTOPEN", "unreadable"],
  ["SQLITE_READONLY", "unreadable"],
  ["SQLITE_PERM", "unreadable"],
  ["SQLITE_IOERR", "unreadable"],
];

const systemKinds: Readonly<Record<string, CatalogProblemKind>> = {
  ENOENT: "lost",
  EACCES: "unreadable",
  EPERM: "unreadable",
  EIO: "unreadable",
  ENOTDIR: "unreadable",
  ELOOP: "unreadable",
};

/** What an error says about its bucket; undefined for one that says nothing, such as a full disk or a bug. */
export function findProblemKind(error: unknown): CatalogProblemKind | undefined {
  if (error instanceof CatalogUnavailableError) return error.kind;
  if (error instanceof DamagedBytesError) return "object";
  if (!(error instanceof Error && "code" in error)) return undefined;
  const code = String(error.code);
  if (error instanceof SQLiteError) return sqliteKinds.find(([start]) => code.startsWith(start))?.[1];
  return systemKinds[code];
}

/** The error for the log: what it is and what it says. */
export function describeProblem(error: unknown): string {
  if (error instanceof CatalogUnavailableError) return error.message;
  if (error instanceof SQLiteError) return `${error.code ?? "SQLITE_ERROR"}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : "unknown";
}
