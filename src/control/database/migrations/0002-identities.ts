import type { Migration } from "../migration.ts";

/**
 * Users with paths, states, tags and boundaries, groups, roles, managed and inline policies with their attachments; key policies in
 * place of the grants of access keys. What grants allowed is allowed as before: the user gets them as inline policies, the key as its
 * key policy. An identity is a user, group or role; the first four letters of its id tell which.
 */
export const identitiesMigration: Migration = {
  version: 2,
  minReader: 2,
  sql: `
    ALTER TABLE tenants ADD COLUMN email TEXT NOT NULL DEFAULT '';
    ALTER TABLE tenants ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended'));
    ALTER TABLE tenants ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE tenants ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

    ALTER TABLE users RENAME COLUMN is_administrator TO is_global;
    ALTER TABLE users ADD COLUMN path TEXT NOT NULL DEFAULT '/';
    ALTER TABLE users ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended'));
    ALTER TABLE users ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE users ADD COLUMN boundary_policy_id TEXT;
    ALTER TABLE users ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

    CREATE TABLE user_groups (
      group_id TEXT PRIMARY KEY,
      tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
      path TEXT NOT NULL,
      name TEXT NOT NULL,
      name_folded TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      revision BIGINT NOT NULL,
      UNIQUE (tenant_id, name_folded)
    );

    CREATE TABLE group_members (
      group_id TEXT NOT NULL REFERENCES user_groups (group_id) ON DELETE CASCADE,
      user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
      PRIMARY KEY (group_id, user_id)
    );
    CREATE INDEX group_members_by_user ON group_members (user_id);

    CREATE TABLE roles (
      role_id TEXT PRIMARY KEY,
      tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
      path TEXT NOT NULL,
      name TEXT NOT NULL,
      name_folded TEXT NOT NULL,
      description TEXT NOT NULL,
      trust_policy TEXT NOT NULL,
      max_session_seconds INTEGER NOT NULL CHECK (max_session_seconds BETWEEN 3600 AND 43200),
      boundary_policy_id TEXT,
      tags TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      revision BIGINT NOT NULL,
      UNIQUE (tenant_id, name_folded)
    );

    CREATE TABLE managed_policies (
      policy_id TEXT PRIMARY KEY,
      tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
      path TEXT NOT NULL,
      name TEXT NOT NULL,
      name_folded TEXT NOT NULL,
      description TEXT NOT NULL,
      default_version INTEGER NOT NULL,
      last_version INTEGER NOT NULL,
      tags TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      updated_at_ms BIGINT NOT NULL,
      revision BIGINT NOT NULL,
      UNIQUE (tenant_id, name_folded)
    );

    CREATE TABLE policy_versions (
      policy_id TEXT NOT NULL REFERENCES managed_policies (policy_id) ON DELETE CASCADE,
      version INTEGER NOT NULL CHECK (version > 0),
      document TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL,
      PRIMARY KEY (policy_id, version)
    );

    CREATE TABLE inline_policies (
      identity_id TEXT NOT NULL,
      name TEXT NOT NULL,
      document TEXT NOT NULL,
      PRIMARY KEY (identity_id, name)
    );

    CREATE TABLE policy_attachments (
      identity_id TEXT NOT NULL,
      policy_id TEXT NOT NULL,
      PRIMARY KEY (identity_id, policy_id)
    );
    CREATE INDEX policy_attachments_by_policy ON policy_attachments (policy_id);

    ALTER TABLE access_keys ADD COLUMN description TEXT NOT NULL DEFAULT '';
    ALTER TABLE access_keys ADD COLUMN key_policy TEXT;
    ALTER TABLE access_keys ADD COLUMN inherited_policies TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE access_keys ADD COLUMN expires_at_ms BIGINT;
    ALTER TABLE access_keys ADD COLUMN last_used_at_ms BIGINT;
    ALTER TABLE access_keys ADD COLUMN last_used_operation TEXT;
    ALTER TABLE access_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE access_keys ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

    INSERT INTO policy_attachments (identity_id, policy_id)
      SELECT user_id, 'arn:aws:iam::aws:policy/consoleAdmin' FROM users WHERE is_global = 1;

    UPDATE access_keys SET key_policy = '{"Version":"2012-10-17","Statement":'
        || replace(replace(grants, '{"actions":', '{"Effect":"Allow","Action":'), '"resources":', '"Resource":') || '}'
      WHERE grants <> '[]' AND user_id IN (SELECT user_id FROM users WHERE is_global = 0);
    UPDATE access_keys SET key_policy =
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
      WHERE grants = '[]' AND user_id IN (SELECT user_id FROM users WHERE is_global = 0);
    INSERT INTO inline_policies (identity_id, name, document)
      SELECT user_id, 'grants-of-' || access_key_id, key_policy FROM access_keys
      WHERE grants <> '[]' AND key_policy IS NOT NULL;
    ALTER TABLE access_keys DROP COLUMN grants;

    ALTER TABLE buckets ADD COLUMN quota TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE buckets ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
  `,
};
