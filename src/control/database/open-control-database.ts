import { Database } from "bun:sqlite";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ControlDatabase } from "./control-database.ts";
import { DatabasePlace } from "./database-place.ts";
import { explainOpenFailure } from "./database-unavailable-error.ts";
import { createPrivateFile, syncFile, syncFolder } from "./durable-file.ts";
import { type MigrationTarget, migrate } from "./migrate.ts";
import type { Migration } from "./migration.ts";
import { allMigrations } from "./migrations/all-migrations.ts";
import { SqliteControlDatabase } from "./sqlite-control-database.ts";

const fileName = "control.db";

/** Another process that opens the file may be recovering it. */
const openingBusyTimeoutMs = 5000;
/** Nobody else writes to it: whoever locks it for long is no part of the server, and the whole thread would wait. */
const runningBusyTimeoutMs = 250;

/** Settings of the connection, and what SQLite must say when asked for them: it ignores a misspelt name silently. */
const pragmas: readonly (readonly [name: string, value: string | number, readBack: string | number])[] = [
  ["journal_mode", "WAL", "wal"],
  ["synchronous", "FULL", 2],
  ["foreign_keys", "ON", 1],
  ["busy_timeout", openingBusyTimeoutMs, openingBusyTimeoutMs],
  ["trusted_schema", "OFF", 0],
  ["cache_size", -2000, -2000],
];

/**
 * Opens `control.db` in the data folder, making it when missing (mode 0600), and brings its schema up to date.
 * @param migrations the schema's steps; other than the default only in tests.
 * @throws StartRefusedError when the file is damaged, locked or may not be used, or a newer release wrote it.
 * @throws Error when a pragma did not take effect.
 */
export async function openControlDatabase(
  dataDir: string,
  migrations: readonly Migration[] = allMigrations,
): Promise<ControlDatabase> {
  const path = controlDatabasePath(dataDir);
  const { database, place } = open(path);
  try {
    setPragmas(database);
    migrate(createTarget(database, path), migrations);
    syncFolder(dataDir);
    setPragma(database, ["busy_timeout", runningBusyTimeoutMs, runningBusyTimeoutMs]);
    return new SqliteControlDatabase(database, place);
  } catch (error) {
    database.close();
    throw explainOpenFailure(error, path);
  }
}

/** Whether a data folder has a control database. */
export function hasControlDatabase(dataDir: string): boolean {
  return existsSync(controlDatabasePath(dataDir));
}

/** Path of the control database. */
export function controlDatabasePath(dataDir: string): string {
  return join(dataDir, fileName);
}

function open(path: string): { readonly database: Database; readonly place: DatabasePlace } {
  try {
    if (!existsSync(path)) createPrivateFile(path);
    const place = new DatabasePlace(path);
    return { database: new Database(path, { readwrite: true, create: false }), place };
  } catch (error) {
    throw explainOpenFailure(error, path);
  }
}

function setPragmas(database: Database): void {
  for (const pragma of pragmas) setPragma(database, pragma);
}

function setPragma(database: Database, [name, value, readBack]: (typeof pragmas)[number]): void {
  database.run(`PRAGMA ${name} = ${value}`);
  const found = readPragma(database, name);
  if (found !== readBack) throw new Error(`SQLite pragma ${name} is ${String(found)}, wanted ${readBack}`);
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
      // SQLite does not sync what it writes there.
      syncFile(copy);
      syncFolder(dirname(path));
    },
  };
}
