/** One step of the schema. Steps are never edited once released; releases only add, and may remove one release later. */
export interface Migration {
  /** 1, 2, 3 ... without gaps. */
  readonly version: number;
  /** The oldest schema version whose code can still work on the result. */
  readonly minReader: number;
  /** Statements of the SQL that SQLite and PostgreSQL share, without parameters. */
  readonly sql: string;
}
