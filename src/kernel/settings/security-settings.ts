import { flagSetting, numberSetting, wordSetting } from "./setting-rule.ts";

const day = 86_400;

/** Log-in, sessions, passwords, signatures. */
export const securitySettings = {
  "security.session_timeout": numberSetting("A session ends so long after its log-in", {
    min: 300,
    max: 30 * day,
    unit: "seconds",
    fallback: day,
  }),
  "security.session_idle_timeout": numberSetting("A session that is not used for so long ends", {
    min: 60,
    max: 30 * day,
    unit: "seconds",
    fallback: 1800,
  }),
  "security.session_idle_lock": numberSetting("A session that is not used for so long is locked", {
    min: 60,
    max: 30 * day,
    unit: "seconds",
    fallback: 900,
  }),
  "security.access_token_lifetime": numberSetting("A session gets a new id so often", {
    min: 60,
    max: day,
    unit: "seconds",
    fallback: 900,
  }),
  "security.sts_max_session_duration": numberSetting("Temporary credentials live no longer than this", {
    min: 900,
    max: 129_600,
    unit: "seconds",
    fallback: 43_200,
  }),
  "security.sts_federation_enabled": flagSetting("Answer GetFederationToken", false),
  "security.iam_api_enabled": flagSetting("Answer the IAM protocol on the S3 port", true),
  "security.max_failed_attempts": numberSetting("Failed log-ins in a row that lock a user's password", {
    min: 1,
    max: 100,
    fallback: 5,
  }),
  "security.lockout_duration": numberSetting("A password stays locked for so long", {
    min: 1,
    max: day,
    unit: "seconds",
    fallback: 900,
  }),
  "security.require_2fa_admin": flagSetting("Administrators need a second factor", false),
  "security.password_min_length": numberSetting("Shortest password", {
    min: 8,
    max: 128,
    unit: "characters",
    fallback: 8,
  }),
  "security.password_require_uppercase": flagSetting("Passwords need an upper-case letter", true),
  "security.password_require_numbers": flagSetting("Passwords need a digit", true),
  "security.password_require_special": flagSetting("Passwords need a character that is no letter and no digit", false),
  "security.ratelimit_enabled": flagSetting("Limit the rate of log-ins and calls of the control API", true),
  "security.ratelimit_login_per_minute": numberSetting("Log-ins per minute of one address, and of one name", {
    min: 1,
    max: 10_000,
    fallback: 5,
  }),
  "security.ratelimit_api_per_second": numberSetting("Calls per second of one session or token", {
    min: 1,
    max: 100_000,
    fallback: 100,
  }),
  "security.api_token_max_days": numberSetting("An API token lives no longer than this", {
    min: 1,
    max: 3650,
    unit: "days",
    fallback: 365,
  }),
  "security.tenant_entry": wordSetting(
    "Whether global administrators may enter other tenants",
    ["allowed", "read_only", "off"],
    "allowed",
  ),
  "security.block_public_access": flagSetting("Block public access to every bucket of the server", false),
  "security.signature_v2": wordSetting(
    "Where Signature Version 2 is accepted",
    ["off", "presigned", "all"],
    "presigned",
  ),
} as const;

/** What is recorded, and for how long. */
export const auditSettings = {
  "audit.enabled": flagSetting("Record what is done and tried; changes of settings are recorded all the same", true),
  "audit.retention_days": numberSetting("Recorded events are kept for so many whole days", {
    min: 1,
    max: 3650,
    unit: "days",
    fallback: 90,
  }),
  "audit.log_s3_operations": flagSetting(
    "Record what S3 requests change about buckets, and what they are denied",
    true,
  ),
  "audit.log_console_operations": flagSetting("Record what is done through console and control API", true),
  "audit.log_data_events": wordSetting("Record requests for objects in daily files", ["none", "writes", "all"], "none"),
  "audit.on_failure": wordSetting(
    "What happens to requests whose events cannot be recorded",
    ["continue", "refuse"],
    "continue",
  ),
} as const;
