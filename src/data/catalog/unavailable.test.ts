import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { CatalogUnavailableError } from "./sqlite-catalog/catalog-unavailable-error.ts";
import { isUnavailable } from "./unavailable.ts";

test("isUnavailable: a missing catalog and what SQLite throws, nothing else", () => {
  const database = new Database(":memory:");
  let thrown: unknown;
  try {
    database.query("SELECT * FROM nothing").all();
  } catch (error) {
    thrown = error;
  }
  expect([thrown, new CatalogUnavailableError("x", "unreadable")].map(isUnavailable)).toEqual([true, true]);
  expect([new S3Error("NoSuchKey"), new Error("x"), "text", undefined].map(isUnavailable)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
