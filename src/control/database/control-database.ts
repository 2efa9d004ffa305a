/** What binds to a parameter. Booleans are 0 and 1, times are milliseconds since 1970, bytes are base64. */
export type SqlValue = string | number | null;

/** One row by column name; read it with `row-values.ts`. */
export type SqlRow = Readonly<Record<string, unknown>>;

/**
 * Statements in the SQL that SQLite and PostgreSQL share. Parameters are `$1`, `$2` ..., first used in that order.
 */
export interface ControlQueries {
  /** The rows a statement returns, all of them: callers bound the number by LIMIT or by the table's nature. */
  all(sql: string, parameters?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Runs a statement that changes rows. @returns how many it changed. */
  run(sql: string, parameters?: readonly SqlValue[]): Promise<number>;
}

/** The control database: tenants, users, keys, buckets, settings. Every call outside a transaction is one of its own. */
export interface ControlDatabase extends ControlQueries {
  /**
   * Runs `work` alone and durably: when it resolves its changes are on disk, when it rejects none were made.
   * When the file was removed or replaced it rejects with DatabaseUnavailableError, and whether they are on disk is unknown.
   * Inside, only the queries passed in may be used: a call to the database itself would wait for ever.
   */
  transaction<T>(work: (queries: ControlQueries) => Promise<T>): Promise<T>;
  /** Shows that the database answers and can be written to. @throws when it cannot. */
  probe(): Promise<void>;
  /** Waits for what runs, then closes. */
  close(): Promise<void>;
}
