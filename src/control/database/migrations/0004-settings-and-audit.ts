import type { Migration } from "../migration.ts";

/** The revision of the settings; chains of audit events with their signed marks and the keys of those. */
export const settingsAndAuditMigration: Migration = {
  version: 4,
  minReader: 1,
  sql: `
    CREATE TABLE settings_revision (
      id SMALLINT PRIMARY KEY CHECK (id = 1),
      revision BIGINT NOT NULL
    );
    INSERT INTO settings_revision (id, revision) VALUES (1, 1);

    CREATE TABLE audit_chains (
      chain TEXT PRIMARY KEY,
      seq BIGINT NOT NULL,
      hash TEXT NOT NULL
    );

    CREATE TABLE audit_events (
      chain TEXT NOT NULL,
      seq BIGINT NOT NULL CHECK (seq > 0),
      event_id TEXT NOT NULL UNIQUE,
      body TEXT NOT NULL,
      prev_hash TEXT NOT NULL,
      hash TEXT NOT NULL,
      PRIMARY KEY (chain, seq)
    );
    CREATE INDEX audit_events_by_chain_and_id ON audit_events (chain, event_id);

    CREATE TABLE audit_keys (
      key_id TEXT PRIMARY KEY,
      public_key TEXT NOT NULL,
      sealed_seed TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL
    );

    CREATE TABLE audit_marks (
      chain TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('head', 'cut')),
      seq BIGINT NOT NULL,
      hash TEXT NOT NULL,
      time_ms BIGINT NOT NULL,
      key_id TEXT NOT NULL REFERENCES audit_keys (key_id),
      signature TEXT NOT NULL,
      PRIMARY KEY (chain, kind, seq)
    );
  `,
};
