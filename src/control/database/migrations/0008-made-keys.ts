import type { Migration } from "../migration.ts";

/** Which narrowed access key made an access key; null for what anybody else made. */
export const madeKeysMigration: Migration = {
  version: 8,
  minReader: 2,
  sql: `
    ALTER TABLE access_keys ADD COLUMN made_by TEXT;
    CREATE INDEX access_keys_by_maker ON access_keys (made_by);
  `,
};
