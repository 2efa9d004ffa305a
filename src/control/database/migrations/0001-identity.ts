import type { Migration } from "../migration.ts";

/** Tenants, users, access keys, buckets, key-encryption keys, settings. */
export const identityMigration: Migration = {
  version: 1,
  minReader: 1,
  sql: `
    CREATE TABLE schema_info (
      id SMALLINT PRIMARY KEY CHECK (id = 1),
      min_reader INTEGER NOT NULL
    );
    INSERT INTO schema_info (id, min_reader) VALUES (1, 1);

    CREATE TABLE tenants (
      tenant_id TEXT PRIMARY KEY,
      slug TEXT NOT NULL UNIQUE,
      display_name TEXT NOT NULL,
      account_id TEXT NOT NULL UNIQUE CHECK (length(account_id) = 12),
      canonical_id TEXT NOT NULL UNIQUE CHECK (length(canonical_id) = 64),
      created_at_ms BIGINT NOT NULL
    );

    CREATE TABLE users (
      user_id TEXT PRIMARY KEY,
      tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
      name TEXT NOT NULL,
      name_folded TEXT NOT NULL,
      is_administrator SMALLINT NOT NULL CHECK (is_administrator IN (0, 1)),
      created_at_ms BIGINT NOT NULL,
      UNIQUE (tenant_id, name_folded)
    );

    CREATE TABLE access_keys (
      access_key_id TEXT PRIMARY KEY,
      user_id TEXT NOT NULL REFERENCES users (user_id),
      sealed_secret TEXT NOT NULL,
      is_enabled SMALLINT NOT NULL CHECK (is_enabled IN (0, 1)),
      grants TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL
    );
    CREATE INDEX access_keys_by_user ON access_keys (user_id);

    CREATE TABLE buckets (
      bucket_id TEXT PRIMARY KEY,
      namespace TEXT NOT NULL,
      name TEXT NOT NULL,
      tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
      state TEXT NOT NULL CHECK (state IN ('creating', 'active', 'deleting')),
      versioning TEXT NOT NULL CHECK (versioning IN ('never', 'enabled', 'suspended')),
      region TEXT NOT NULL,
      tags TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      UNIQUE (namespace, name)
    );
    CREATE INDEX buckets_by_tenant ON buckets (tenant_id);

    CREATE TABLE deleted_buckets (
      bucket_id TEXT PRIMARY KEY,
      deleted_at_ms BIGINT NOT NULL
    );
    CREATE INDEX deleted_buckets_by_time ON deleted_buckets (deleted_at_ms);

    CREATE TABLE key_encryption_keys (
      version INTEGER PRIMARY KEY CHECK (version > 0),
      root_key_id TEXT NOT NULL,
      sealed_key TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL
    );

    CREATE TABLE settings (
      name TEXT PRIMARY KEY,
      value TEXT NOT NULL
    );
  `,
};
