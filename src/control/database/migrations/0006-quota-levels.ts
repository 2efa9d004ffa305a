import type { Migration } from "../migration.ts";

/** How full the quotas of tenants and buckets were when it was told of last. */
export const quotaLevelsMigration: Migration = {
  version: 6,
  minReader: 2,
  sql: `
    CREATE TABLE quota_levels (
      subject_id TEXT NOT NULL,
      measure TEXT NOT NULL CHECK (measure IN ('bytes', 'objects')),
      level INTEGER NOT NULL,
      PRIMARY KEY (subject_id, measure)
    );
  `,
};
