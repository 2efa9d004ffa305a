import type { Migration } from "../migration.ts";

/** Answers of creating calls, kept for a day under the key that the caller chose. */
export const idempotencyKeysMigration: Migration = {
  version: 7,
  minReader: 2,
  sql: `
    CREATE TABLE idempotency_keys (
      principal TEXT NOT NULL,
      idempotency_key TEXT NOT NULL,
      sealed TEXT NOT NULL,
      is_answered INTEGER NOT NULL,
      created_at_ms BIGINT NOT NULL,
      PRIMARY KEY (principal, idempotency_key)
    );
    CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at_ms);
  `,
};
