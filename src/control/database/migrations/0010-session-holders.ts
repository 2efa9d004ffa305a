import type { Migration } from "../migration.ts";

/** With which user each of the temporary credentials began, so that one user's can be counted. Those of before count for nobody. */
export const sessionHoldersMigration: Migration = {
  version: 10,
  minReader: 2,
  sql: `
    ALTER TABLE sts_sessions ADD COLUMN began_with TEXT NOT NULL DEFAULT '';
    CREATE INDEX sts_sessions_by_holder ON sts_sessions (began_with, expires_at_ms);
  `,
};
