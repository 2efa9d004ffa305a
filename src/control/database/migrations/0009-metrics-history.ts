import type { Migration } from "../migration.ts";

/** What the server measured over time: a ring of places for each step, so that the table has an end. */
export const metricsHistoryMigration: Migration = {
  version: 9,
  minReader: 2,
  sql: `
    CREATE TABLE metrics_history (
      step_seconds INTEGER NOT NULL,
      place INTEGER NOT NULL,
      at_ms BIGINT NOT NULL,
      measured TEXT NOT NULL,
      PRIMARY KEY (step_seconds, place)
    );
    CREATE INDEX metrics_history_by_time ON metrics_history (step_seconds, at_ms);
  `,
};
