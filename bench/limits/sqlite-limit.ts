import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const bodyBytes = 4096;

/**
 * Single-row commits of 4 KiB per second in WAL mode with `synchronous=FULL`, one after the other on one connection.
 * @param folder on the disk under test
 * @param durationMs how long to measure
 * @throws Error when SQLite does not take one of the two pragmas
 */
export function measureSqliteCommitsPerSecond(folder: string, durationMs: number): number {
  const own = mkdtempSync(join(folder, "sqlite-"));
  const database = new Database(join(own, "bare.db"), { create: true, strict: true });
  try {
    makeDurable(database);
    database.run("CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    const insert = database.query("INSERT INTO body (bytes) VALUES (?)");
    const bytes = new Uint8Array(bodyBytes).fill(0x5a);
    const start = performance.now();
    let count = 0;
    let elapsedMs = 0;
    while (elapsedMs < durationMs) {
      insert.run(bytes);
      count += 1;
      elapsedMs = performance.now() - start;
    }
    return (count * 1000) / elapsedMs;
  } finally {
    database.close();
    rmSync(own, { recursive: true, force: true });
  }
}

/** Sets both pragmas and reads them back: SQLite ignores what it does not know. */
function makeDurable(database: Database): void {
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  const [journal] = database.query("PRAGMA journal_mode").values();
  const [synchronous] = database.query("PRAGMA synchronous").values();
  if (journal?.[0] !== "wal" || synchronous?.[0] !== 2) {
    throw new Error(`Journal mode ${String(journal?.[0])}, synchronous ${String(synchronous?.[0])}; wanted wal and 2`);
  }
}
