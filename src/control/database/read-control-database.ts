import { constants, Database, SQLiteError } from "bun:sqlite";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { StartRefusedError } from "../start-refused-error.ts";
import type { ControlQueries, SqlRow, SqlValue } from "./control-database.ts";
import { allMigrations } from "./migrations/all-migrations.ts";

/** The control database as a verb beside the server sees it: nothing of it is made, migrated or changed. */
export interface ControlReader extends Pick<ControlQueries, "all"> {
  /** Version of its schema; 0 for an empty file, and for one whose beginning is damaged. */
  readonly schemaVersion: number;
  /** What SQLite finds wrong with the file, at most 20 sentences. */
  findDamage(): readonly string[];
  close(): void;
}

/** The file is damaged. The message has its path and what to do. */
export class ControlDatabaseDamagedError extends Error {
  override readonly name = "ControlDatabaseDamagedError";
  /** `EX_CONFIG`. Source: sysexits.h. */
  readonly exitCode = 78;
}

/**
 * Opens `control.db` for reading, beside a running server or without one.
 * @returns undefined when there is no such file.
 * @throws StartRefusedError when a newer release wrote it.
 * @throws ControlDatabaseDamagedError when it is no database.
 * @throws SQLiteError when it cannot be opened.
 */
export function readControlDatabase(dataDir: string): ControlReader | undefined {
  const path = join(dataDir, "control.db");
  if (!existsSync(path)) return undefined;
  const database = open(path);
  let found = 0;
  try {
    found = Number(database.query("PRAGMA user_version").values()[0]?.[0]);
    const own = allMigrations.at(-1)?.version ?? 0;
    const minReader = found > own ? database.query("SELECT min_reader FROM schema_info").values()[0]?.[0] : 0;
    if (Number(minReader) > own) {
      throw new StartRefusedError(`${path} has schema version ${found}; this release reads ${own}`);
    }
  } catch (error) {
    database.close();
    if (error instanceof SQLiteError && error.code === "SQLITE_NOTADB") {
      throw new ControlDatabaseDamagedError(`${path} is no database; restore it from a backup`);
    }
    throw error;
  }
  return {
    schemaVersion: found,
    all: async (sql, parameters = []) => database.query<SqlRow, SqlValue[]>(sql).all(...parameters),
    findDamage: () => findDamage(database),
    close: () => database.close(),
  };
}

/** Whether `control.db` is there and has the schema of this release. @throws as `readControlDatabase` */
export async function hasCurrentSchema(dataDir: string): Promise<boolean> {
  const database = readControlDatabase(dataDir);
  try {
    const [row] = (await database?.all("PRAGMA user_version")) ?? [];
    return row?.["user_version"] === allMigrations.at(-1)?.version;
  } finally {
    database?.close();
  }
}

/** Where nobody has the file open it is read as it stands, so that not even SQLite's own side files appear. */
function open(path: string): Database {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (existsSync(`${path}-shm`) || (log?.size ?? 0) > 0) return new Database(path, { readonly: true });
  const flags = constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI;
  return new Database(`${pathToFileURL(path).href}?immutable=1`, flags);
}

function findDamage(database: Database): readonly string[] {
  try {
    const messages = database.query("PRAGMA integrity_check(20)").values().flat().map(String);
    return messages.filter((message) => message !== "ok");
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
    return [error.message];
  }
}
