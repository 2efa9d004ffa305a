import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { stateNames } from "./bucket-state.ts";
import { formSteps } from "./schema.ts";
import { prepareWriterStatements } from "./statements.ts";

test("prepareWriterStatements: each numbered name of the state is written by its own name", () => {
  const database = new Database(":memory:");
  database.exec(formSteps.join(""));
  const statements = prepareWriterStatements(database);
  const values = stateNames.map((_, index) => index + 100);
  statements.writeState.run(...values, 7);
  const stored = new Map(statements.readState.values() as [string, number][]);
  for (const [index, name] of stateNames.entries()) expect([name, stored.get(name)]).toEqual([name, index + 100]);
  expect(stored.get("crc")).toBe(7);
});

test("prepareWriterStatements: finalised, they let the file go", () => {
  const database = new Database(":memory:");
  database.exec(formSteps.join(""));
  const statements = prepareWriterStatements(database);
  for (const statement of Object.values(statements)) statement.finalize();
  expect(() => statements.anyVersion.values()).toThrow();
  database.close(true);
});
