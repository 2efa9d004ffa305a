import { observeSettings, outboundSettings } from "./operations-settings.ts";
import { auditSettings, securitySettings } from "./security-settings.ts";
import type { SettingRule } from "./setting-rule.ts";
import { s3Settings, storageSettings } from "./storage-settings.ts";

/** Every dynamic setting by its key: the one list. The part before the dot is its category. */
export const settingRules = {
  ...securitySettings,
  ...s3Settings,
  ...auditSettings,
  ...storageSettings,
  ...observeSettings,
  ...outboundSettings,
} as const;

/** Key of a dynamic setting. */
export type SettingName = keyof typeof settingRules;

/** A value for every setting. */
export type Settings = {
  readonly [N in SettingName]: (typeof settingRules)[N] extends SettingRule<infer V> ? V : never;
};

/** Some settings, given in place of others. */
export type SettingOverrides = Partial<Settings>;

/** Settings whose feature does not exist yet: not listed by the server, and refused. A feature takes its keys out of here. */
export const unavailableSettings: ReadonlySet<SettingName> = new Set<SettingName>([
  "security.sts_federation_enabled",
  "security.iam_api_enabled",
  "security.block_public_access",
  "s3.new_bucket_defaults",
  "s3.lifecycle_day_seconds",
  "s3.website_domain",
  "server.public_s3_url",
  "storage.default_bucket_versioning",
  "storage.default_object_lock_days",
  "storage.enable_compression",
  "storage.compression_level",
  "system.disk_warning_threshold",
  "system.disk_critical_threshold",
  "scrub.cycle_days",
  "scrub.rate",
  "recovery.journal_sync",
  "recovery.copies",
  "recovery.dir",
  "backup.target",
  "backup.rpo",
  "backup.keep",
  "metrics.collection_interval",
  "logging.frontend_enabled",
  "logging.frontend_level",
  "email.enabled",
  "email.smtp_host",
  "email.smtp_port",
  "email.smtp_user",
  "email.smtp_password",
  "email.from_address",
  "email.tls_mode",
  "log.max_rows",
  "log.max_age",
  "notification.max_age",
  "replication.fail_after",
  "replication.rpo_minutes",
  "replication.conditional_writes",
]);

/** Whether the text is the key of a setting, available or not. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settingRules, name);
}

/** The settings that the server has, in the order of the list. */
export const availableSettings: readonly SettingName[] = Object.keys(settingRules)
  .filter(isSettingName)
  .filter((name) => !unavailableSettings.has(name));

/** What is known about one setting, whatever its type. */
export function ruleOf(name: SettingName): SettingRule<Settings[SettingName]> {
  return settingRules[name];
}

/** The category of a setting: the part of its key before the dot. */
export function categoryOf(name: SettingName): string {
  return name.slice(0, name.indexOf("."));
}

/** Where the values in force come from, the strongest first. */
export interface SettingSources {
  /** Given at start. */
  readonly overrides: SettingOverrides;
  /** Text by key; unknown keys are ignored (a newer release wrote them), as are values out of bounds. */
  readonly stored: ReadonlyMap<string, string>;
  /** Defaults that depend on the machine. */
  readonly defaults: SettingOverrides;
}

/** The settings in force. A setting that is not available has its default. */
export function resolveSettings({ overrides, stored, defaults }: SettingSources): Settings {
  const values = Object.keys(settingRules)
    .filter(isSettingName)
    .map((name) => {
      const text = unavailableSettings.has(name) ? undefined : stored.get(name);
      const found = text === undefined ? undefined : settingRules[name].parse(text);
      return [name, overrides[name] ?? found ?? defaults[name] ?? settingRules[name].fallback];
    });
  return Object.freeze(Object.fromEntries(values)) as Settings;
}
