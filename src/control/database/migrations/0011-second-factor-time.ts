import type { Migration } from "../migration.ts";

/** When a session's user last proved a second factor. Sessions of before prove it again. */
export const secondFactorTimeMigration: Migration = {
  version: 11,
  minReader: 2,
  sql: "ALTER TABLE sessions ADD COLUMN mfa_at_ms INTEGER;",
};
