import { SQLiteError } from "bun:sqlite";
import { expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { DamagedBytesError } from "../crypto/inline-body.ts";
import { describeProblem, findProblemKind } from "./catalog-problem.ts";
import { CatalogUnavailableError } from "./sqlite-catalog/catalog-unavailable-error.ts";

function sqliteError(code: string): Error {
  const error = Object.assign(new Error("said"), { name: "SQLiteError", code });
  if (!(error instanceof SQLiteError)) throw new Error("SQLite's errors are told by their name no longer");
  return error;
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: refused, open '/data/x'`), { code });
}

test.each([
  [sqliteError("SQLITE_CORRUPT_INDEX"), "damaged"],
  [sqliteError("SQLITE_NOTADB"), "damaged"],
  [sqliteError("SQLITE_BUSY_RECOVERY"), "locked"],
  [sqliteError("SQLITE_LOCKED"), "locked"],
  [sqliteError("SQLITE_CANTOPEN"), "unreadable"],
  [sqliteError("SQLITE_IOERR_READ"), "unreadable"],
  [sqliteError("SQLITE_READONLY"), "unreadable"],
  [sqliteError("SQLITE_READONLY_DBMOVED"), "lost"],
  [sqliteError("SQLITE_FULL"), undefined],
  [sqliteError("SQLITE_CONSTRAINT"), undefined],
  [systemError("ENOENT"), "lost"],
  [systemError("EACCES"), "unreadable"],
  [systemError("EIO"), "unreadable"],
  [systemError("ENOSPC"), undefined],
  [new CatalogUnavailableError("x", "lost"), "lost"],
  [new DamagedBytesError("x"), "object"],
  [new S3Error("NoSuchKey"), undefined],
  [new TypeError("x"), undefined],
  ["text", undefined],
])("findProblemKind: %p", (error, kind) => {
  expect(findProblemKind(error)).toBe(kind as ReturnType<typeof findProblemKind>);
});

test("describeProblem: keeps code and path", () => {
  expect(describeProblem(sqliteError("SQLITE_CORRUPT"))).toBe("SQLITE_CORRUPT: said");
  expect(describeProblem(systemError("EACCES"))).toContain("EACCES: refused, open '/data/x'");
  expect(describeProblem(new CatalogUnavailableError("x is missing", "lost"))).toBe("x is missing");
  expect(describeProblem(undefined)).toBe("unknown");
});
