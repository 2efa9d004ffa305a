import type { Migration } from "../migration.ts";

/** Passwords, second factors, failed log-ins, sessions, API tokens. */
export const sessionsMigration: Migration = {
  version: 3,
  minReader: 1,
  sql: `
    CREATE TABLE logins (
      user_id TEXT PRIMARY KEY REFERENCES users (user_id) ON DELETE CASCADE,
      password_hash TEXT,
      password_version INTEGER NOT NULL CHECK (password_version > 0),
      must_change SMALLINT NOT NULL CHECK (must_change IN (0, 1)),
      password_expires_at_ms BIGINT,
      password_set_at_ms BIGINT NOT NULL,
      sealed_totp TEXT,
      totp_enabled SMALLINT NOT NULL CHECK (totp_enabled IN (0, 1)),
      totp_step BIGINT
    );

    CREATE TABLE recovery_codes (
      user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
      code_hash TEXT NOT NULL,
      PRIMARY KEY (user_id, code_hash)
    );

    CREATE TABLE login_failures (
      subject TEXT PRIMARY KEY,
      failures INTEGER NOT NULL,
      last_at_ms BIGINT NOT NULL,
      locked_until_ms BIGINT NOT NULL
    );
    CREATE INDEX login_failures_by_time ON login_failures (last_at_ms);

    CREATE TABLE login_addresses (
      user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
      address_group TEXT NOT NULL,
      last_at_ms BIGINT NOT NULL,
      PRIMARY KEY (user_id, address_group)
    );

    CREATE TABLE login_challenges (
      challenge_hash TEXT PRIMARY KEY,
      user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
      password_version INTEGER NOT NULL,
      address TEXT NOT NULL,
      expires_at_ms BIGINT NOT NULL,
      tries_left INTEGER NOT NULL
    );
    CREATE INDEX login_challenges_by_user ON login_challenges (user_id, expires_at_ms);

    CREATE TABLE sessions (
      session_id TEXT PRIMARY KEY,
      id_hash TEXT NOT NULL UNIQUE,
      previous_hash TEXT,
      rotated_at_ms BIGINT NOT NULL,
      user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
      created_at_ms BIGINT NOT NULL,
      seen_at_ms BIGINT NOT NULL,
      proof_at_ms BIGINT NOT NULL,
      is_locked SMALLINT NOT NULL CHECK (is_locked IN (0, 1)),
      address TEXT NOT NULL,
      agent TEXT NOT NULL,
      methods TEXT NOT NULL
    );
    CREATE INDEX sessions_by_previous ON sessions (previous_hash);
    CREATE INDEX sessions_by_user ON sessions (user_id, created_at_ms);

    CREATE TABLE api_tokens (
      token_id TEXT PRIMARY KEY,
      token_hash TEXT NOT NULL UNIQUE,
      user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      policy TEXT,
      created_at_ms BIGINT NOT NULL,
      expires_at_ms BIGINT NOT NULL
    );
    CREATE INDEX api_tokens_by_user ON api_tokens (user_id, token_id);
  `,
};
