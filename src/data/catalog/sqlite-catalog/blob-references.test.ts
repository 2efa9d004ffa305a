import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { isNamed, isReferenced } from "./blob-references.ts";
import { formSteps } from "./schema.ts";

test("isReferenced, isNamed: extents and parts need their blobs, garbage is only known", () => {
  const database = new Database(":memory:");
  database.exec(formSteps.join(""));
  database.exec("INSERT INTO extent VALUES (1, 0, 1, 0, 1, 'a', NULL)");
  database.exec("INSERT INTO part VALUES ('u', 1, 'b', 1, 'e', NULL, 1, 1)");
  database.exec("INSERT INTO garbage_blob VALUES ('a', 1), ('c', 1)");
  const ids = ["a", "b", "c", "d"];
  expect(ids.map((id) => isReferenced(database, id))).toEqual([true, true, false, false]);
  expect(ids.map((id) => isNamed(database, id))).toEqual([true, true, true, false]);
});
