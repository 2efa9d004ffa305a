import { Database, SQLiteError } from "bun:sqlite";
import { expect, test } from "bun:test";
import { CatalogUnavailableError } from "../catalog/sqlite-catalog/catalog-unavailable-error.ts";
import { describeCommitFailure, isNoRoom } from "./commit-failure.ts";

/** An error as SQLite throws it. */
function failWith(work: (database: Database) => void): unknown {
  const database = new Database(":memory:");
  try {
    database.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB NOT NULL)");
    work(database);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    database.close();
  }
}

test("describeCommitFailure: a full disk fails the whole transaction with InsufficientStorage", () => {
  const full = failWith((database) => {
    database.exec("PRAGMA max_page_count = 3");
    for (let i = 0; i < 100; i++) database.run("INSERT INTO t (b) VALUES (zeroblob(4000))");
  });
  expect(full).toBeInstanceOf(SQLiteError);
  expect(isNoRoom(full)).toBe(true);
  expect(describeCommitFailure(full)).toMatchObject({ result: { code: "InsufficientStorage" }, scope: "catalog" });
});

test("describeCommitFailure: a row that cannot be stored is the fault of one mutation", () => {
  const constraint = failWith((database) => database.run("INSERT INTO t (b) VALUES (NULL)"));
  expect(describeCommitFailure(constraint)).toMatchObject({ result: { code: "InternalError" }, scope: "mutation" });
  expect(describeCommitFailure(new TypeError("x"))).toMatchObject({
    result: { code: "InternalError" },
    scope: "mutation",
    reason: "TypeError: x",
  });
  expect(describeCommitFailure("thrown")).toMatchObject({ scope: "mutation", reason: "unknown" });
  expect([isNoRoom(constraint), isNoRoom(new Error("SQLITE_FULL"))]).toEqual([false, false]);
});

test.each([
  ["SQLITE_IOERR_FSYNC", "InternalError"],
  ["SQLITE_CORRUPT_INDEX", "ServiceUnavailable"],
  ["SQLITE_NOTADB", "ServiceUnavailable"],
  ["SQLITE_BUSY", "SlowDown"],
  ["SQLITE_LOCKED_SHAREDCACHE", "SlowDown"],
  ["SQLITE_READONLY_DBMOVED", "InternalError"],
])("describeCommitFailure: %s fails the whole transaction with %s", (code, answer) => {
  const error = Object.assign(new Error(code), { name: "SQLiteError", code });
  expect(error).toBeInstanceOf(SQLiteError);
  expect(describeCommitFailure(error)).toMatchObject({ result: { ok: false, code: answer }, scope: "catalog" });
});

test("describeCommitFailure: a missing catalog makes its bucket unavailable", () => {
  const failure = describeCommitFailure(new CatalogUnavailableError("The catalog of bucket B is missing", "lost"));
  expect(failure).toMatchObject({
    result: { code: "ServiceUnavailable" },
    scope: "catalog",
    reason: "The catalog of bucket B is missing",
  });
});
