import { Database } from "bun:sqlite";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ControlDatabase } from "./control-database.ts";
import { createPrivateFile, syncFolder } from "./durable-file.ts";
import { type MigrationTarget, migrate } from "./migrate.ts";
import type { Migration } from "./migration.ts";
import { allMigrations } from "./migrations/all-migrations.ts";
import { SqliteControlDatabase } from "./sqlite-control-database.ts";

const fileName = "control.db";

/** Settings of the connection, and what SQLite must say when asked for them: it ignores a misspelt name silently. */
const pragmas: readonly (readonly [name: string, value: string | number, readBack: string | number])[] = [
  ["journal_mode", "WAL", "wal"],
  ["synchronous", "FULL", 2],
  ["foreign_keys", "ON", 1],
  ["busy_timeout", 5000, 5000],
  ["trusted_schema", "OFF", 0],
  ["cache_size", -2000, -2000],
];

/**
 * Opens `control.db` in the data folder, making it when missing (mode 0600), and brings its schema up to date.
 * @param migrations the schema's steps; other than the default only in tests.
 * @throws StartRefusedError when a newer release wrote the file and this one cannot read it.
 * @throws Error when the file is no database or a pragma did not take effect.
 */
export async function openControlDatabase(
  dataDir: string,
  migrations: readonly Migration[] = allMigrations,
): Promise<ControlDatabase> {
  const path = join(dataDir, fileName);
  if (!existsSync(path)) createPrivateFile(path);
  const database = new Database(path, { readwrite: true, create: false });
  try {
    setPragmas(database);
    migrate(createTarget(database, path), migrations);
    syncFolder(dataDir);
    return new SqliteControlDatabase(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function setPragmas(database: Database): void {
  for (const [name, value, readBack] of pragmas) {
    database.run(`PRAGMA ${name} = ${value}`);
    const found = readPragma(database, name);
    if (found !== readBack) throw new Error(`SQLite pragma ${name} is ${String(found)}, wanted ${readBack}`);
  }
}

function readPragma(database: Database, name: string): unknown {
  const row = database.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get();
  return row === null ? undefined : Object.values(row)[0];
}

function createTarget(database: Database, path: string): MigrationTarget {
  return {
    readVersion: () => Number(readPragma(database, "user_version")),
    readMinReader: () => {
      const row = database.query<{ min_reader: number }, []>("SELECT min_reader FROM schema_info WHERE id = 1").get();
      if (row === null) throw new Error("The control database does not say which releases can read it");
      return row.min_reader;
    },
    apply: ({ version, minReader, sql }) => {
      const step = database.transaction(() => {
        database.run(sql);
        database.run("UPDATE schema_info SET min_reader = ? WHERE id = 1", [minReader]);
        database.run(`PRAGMA user_version = ${version}`);
      });
      step.immediate();
    },
    copyBefore: (version) => {
      const copy = `${path}.pre-${version}`;
      rmSync(copy, { force: true });
      createPrivateFile(copy);
      database.run("VACUUM INTO ?", [copy]);
      syncFolder(dirname(path));
    },
  };
}
