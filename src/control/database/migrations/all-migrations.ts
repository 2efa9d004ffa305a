import type { Migration } from "../migration.ts";
import { identityMigration } from "./0001-identity.ts";
import { identitiesMigration } from "./0002-identities.ts";
import { sessionsMigration } from "./0003-sessions.ts";
import { settingsAndAuditMigration } from "./0004-settings-and-audit.ts";
import { stsMigration } from "./0005-sts.ts";
import { quotaLevelsMigration } from "./0006-quota-levels.ts";
import { idempotencyKeysMigration } from "./0007-idempotency-keys.ts";
import { madeKeysMigration } from "./0008-made-keys.ts";
import { metricsHistoryMigration } from "./0009-metrics-history.ts";
import { sessionHoldersMigration } from "./0010-session-holders.ts";
import { secondFactorTimeMigration } from "./0011-second-factor-time.ts";

/** Every step of control.db's schema, in order. */
export const allMigrations: readonly Migration[] = [
  identityMigration,
  identitiesMigration,
  sessionsMigration,
  settingsAndAuditMigration,
  stsMigration,
  quotaLevelsMigration,
  idempotencyKeysMigration,
  madeKeysMigration,
  metricsHistoryMigration,
  sessionHoldersMigration,
  secondFactorTimeMigration,
];
