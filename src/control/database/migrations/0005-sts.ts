import type { Migration } from "../migration.ts";

/** Keys of session tokens, the temporary credentials that were given out, and what of them was revoked. */
export const stsMigration: Migration = {
  version: 5,
  minReader: 2,
  sql: `
    CREATE TABLE token_keys (
      key_id TEXT PRIMARY KEY,
      sealed_key TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      issued_count BIGINT NOT NULL
    );

    CREATE TABLE sts_sessions (
      session_id TEXT PRIMARY KEY,
      tenant_id TEXT NOT NULL,
      principal_id TEXT NOT NULL,
      session_name TEXT NOT NULL,
      lineage TEXT NOT NULL,
      source_identity TEXT,
      mfa INTEGER NOT NULL CHECK (mfa IN (0, 1)),
      issued_at_ms BIGINT NOT NULL,
      expires_at_ms BIGINT NOT NULL,
      address TEXT NOT NULL,
      agent TEXT NOT NULL
    );
    CREATE INDEX sts_sessions_by_tenant ON sts_sessions (tenant_id, session_id);
    CREATE INDEX sts_sessions_by_expiry ON sts_sessions (expires_at_ms);

    CREATE TABLE sts_revocations (
      revocation_id TEXT PRIMARY KEY,
      before_ms BIGINT NOT NULL,
      until_ms BIGINT NOT NULL
    );
  `,
};
