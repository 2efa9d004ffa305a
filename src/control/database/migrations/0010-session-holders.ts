import type { Migration } from "../migration.ts";

/**
 * With which user each of the temporary credentials began, so that one user's can be counted (those of before count for nobody), and orders
 * that they are listed in.
 */
export const sessionHoldersMigration: Migration = {
  version: 10,
  minReader: 2,
  sql: `
    ALTER TABLE sts_sessions ADD COLUMN began_with TEXT NOT NULL DEFAULT '';
    CREATE INDEX sts_sessions_by_holder ON sts_sessions (began_with, expires_at_ms);
    CREATE INDEX sts_sessions_by_issue ON sts_sessions (tenant_id, issued_at_ms, session_id);
    CREATE INDEX sts_sessions_by_end ON sts_sessions (tenant_id, expires_at_ms, session_id);
  `,
};
