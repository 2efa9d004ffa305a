import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { isReferencedSql } from "./blob-references.ts";
import { formSteps } from "./schema.ts";
import { prepareWriterStatements } from "./statements.ts";

/** Steps of the plan of a query, one text each. */
function plan(database: Database, sql: string): string[] {
  return database
    .query(`EXPLAIN QUERY PLAN ${sql}`)
    .values()
    .map((row) => String(row[3]));
}

test("schemaSql: makes an empty catalog on which every statement of the writer can be prepared", () => {
  const database = new Database(":memory:");
  database.exec(formSteps.join(""));
  expect(Object.keys(prepareWriterStatements(database)).length).toBeGreaterThan(20);
  expect(database.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
});

test.each([
  ["the newest version of a key", "SELECT hlc FROM version WHERE key = ? ORDER BY hlc DESC LIMIT 1"],
  ["a listing", "SELECT key FROM version WHERE key > ? AND key < ? ORDER BY key, hlc DESC LIMIT ?"],
  ["references to a blob", isReferencedSql],
  ["open uploads", "SELECT key FROM upload WHERE state = 0 AND key > ? ORDER BY key, initiated_hlc LIMIT ?"],
])("schemaSql: %s takes an index, no sorting and no scan", (_, sql) => {
  const database = new Database(":memory:");
  database.exec(formSteps.join(""));
  const steps = plan(database, sql);
  expect(steps.filter((step) => /SCAN (version|extent|part|upload)|TEMP B-TREE/.test(step))).toEqual([]);
  expect(steps.some((step) => step.startsWith("SEARCH"))).toBe(true);
});
