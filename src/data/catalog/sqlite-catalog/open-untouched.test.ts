import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { scratchParent } from "#testing/power-loss/scratch-parent.ts";
import { createCatalog } from "./open-catalog.ts";
import { openUntouched } from "./open-untouched.ts";

test("openUntouched: a path with signs that mean something in a URI is the path it says", () => {
  const dataDir = mkdtempSync(join(scratchParent(), "maxiofs-a?b#c%41 ü-"));
  try {
    createCatalog(dataDir, "b");
    const database = openUntouched(dataDir, "b");
    expect(database.query("SELECT name FROM bucket_state WHERE name = 'min_reader'").values()).toEqual([
      ["min_reader"],
    ]);
    database.close();
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
