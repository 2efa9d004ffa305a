import type { Database } from "bun:sqlite";
import type { ControlDatabase, ControlQueries, SqlRow, SqlValue } from "./control-database.ts";
import type { DatabasePlace } from "./database-place.ts";
import { SerialQueue } from "./serial-queue.ts";

/** `ControlDatabase` on one connection: calls take turns, so that none falls into another one's transaction. */
export class SqliteControlDatabase implements ControlDatabase {
  readonly #database: Database;
  readonly #turns = new SerialQueue();
  readonly #queries: ControlQueries;
  readonly #place: DatabasePlace | undefined;
  #isLost = false;

  /**
   * @param database open, migrated; closed by `close`.
   * @param place of its files; absent where it has none
   */
  constructor(database: Database, place?: DatabasePlace) {
    this.#database = database;
    this.#place = place;
    this.#queries = {
      all: async (sql, parameters = []) => database.query<SqlRow, SqlValue[]>(sql).all(...parameters),
      run: async (sql, parameters = []) => database.query<SqlRow, SqlValue[]>(sql).run(...parameters).changes,
    };
  }

  /** The rows a statement returns. */
  all(sql: string, parameters?: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.#turns.run(() => this.#queries.all(sql, parameters));
  }

  /** Runs a statement that changes rows. @returns how many it changed. */
  run(sql: string, parameters?: readonly SqlValue[]): Promise<number> {
    return this.#turns.run(async () => {
      if (this.#isLost) this.#requireInPlace();
      const changed = await this.#queries.run(sql, parameters);
      this.#requireInPlace();
      return changed;
    });
  }

  /** See `ControlDatabase.transaction`. */
  transaction<T>(work: (queries: ControlQueries) => Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      if (this.#isLost) this.#requireInPlace();
      const result = await this.#transact(work);
      this.#requireInPlace();
      return result;
    });
  }

  /** Takes the write lock and gives it back: shows a locked, damaged, read-only, removed or replaced file. */
  probe(): Promise<void> {
    return this.transaction(async (queries) => {
      await queries.all("SELECT min_reader FROM schema_info WHERE id = $1", [1]);
    });
  }

  /** Waits for what runs, then closes. */
  close(): Promise<void> {
    return this.#turns.run(async () => this.#database.close());
  }

  #requireInPlace(): void {
    this.#isLost = true;
    this.#place?.requireInPlace();
    this.#isLost = false;
  }

  async #transact<T>(work: (queries: ControlQueries) => Promise<T>): Promise<T> {
    this.#database.run("BEGIN IMMEDIATE");
    try {
      const result = await work(this.#queries);
      this.#database.run("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.inTransaction) this.#database.run("ROLLBACK");
      throw error;
    }
  }
}
