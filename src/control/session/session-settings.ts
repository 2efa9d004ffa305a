import type { Settings } from "#kernel/settings/settings.ts";

/** The settings that log-in, sessions and the guard obey. */
export type SessionSettings = Pick<
  Settings,
  | "security.session_timeout"
  | "security.session_idle_timeout"
  | "security.session_idle_lock"
  | "security.access_token_lifetime"
  | "security.max_failed_attempts"
  | "security.lockout_duration"
  | "security.require_2fa_admin"
  | "security.password_min_length"
  | "security.password_require_uppercase"
  | "security.password_require_numbers"
  | "security.password_require_special"
  | "security.ratelimit_enabled"
  | "security.ratelimit_login_per_minute"
  | "security.ratelimit_api_per_second"
  | "security.api_token_max_days"
  | "server.public_console_url"
  | "server.trusted_proxies"
>;
