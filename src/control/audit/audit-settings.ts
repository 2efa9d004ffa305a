import type { Settings } from "#kernel/settings/settings.ts";

/** The settings that the audit obeys. */
export type AuditSettings = Pick<
  Settings,
  "audit.enabled" | "audit.retention_days" | "audit.log_s3_operations" | "audit.log_console_operations"
>;
