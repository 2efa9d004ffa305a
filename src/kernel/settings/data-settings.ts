import type { DataSettings } from "../protocol/snapshot.ts";
import type { SettingRule } from "./setting-rule.ts";
import { type Settings, settingRules } from "./settings.ts";
import { minReserveBytes } from "./storage-settings.ts";

/** Name of a dynamic setting that the data plane obeys. */
export type DataSettingName = keyof DataSettings;

/** Description, bounds and default of each setting of the data plane. */
export const dataSettingRules: { readonly [N in DataSettingName]: SettingRule<DataSettings[N]> } = {
  "security.signature_v2": settingRules["security.signature_v2"],
  "s3.region": settingRules["s3.region"],
  "s3.strict_region": settingRules["s3.strict_region"],
  "s3.allow_sse_c_http": settingRules["s3.allow_sse_c_http"],
  "server.s3_domains": settingRules["server.s3_domains"],
  "server.trusted_proxies": settingRules["server.trusted_proxies"],
  "server.max_connections_per_address": settingRules["server.max_connections_per_address"],
  "system.maintenance_mode": settingRules["system.maintenance_mode"],
  "system.max_upload_size_mb": settingRules["system.max_upload_size_mb"],
  "storage.inline_threshold": settingRules["storage.inline_threshold"],
  "storage.reserve_bytes": settingRules["storage.reserve_bytes"],
  "history.window": settingRules["history.window"],
  "logging.access_enabled": settingRules["logging.access_enabled"],
  "audit.log_data_events": settingRules["audit.log_data_events"],
  "audit.on_failure": settingRules["audit.on_failure"],
  "tracing.enabled": settingRules["tracing.enabled"],
  "tracing.sample_percent": settingRules["tracing.sample_percent"],
};

/** Whether the text names a setting of the data plane. */
export function isDataSettingName(name: string): name is DataSettingName {
  return Object.hasOwn(dataSettingRules, name);
}

/** The part of the settings that every data worker gets. */
export function pickDataSettings(settings: Settings): DataSettings {
  const entries = Object.keys(dataSettingRules)
    .filter(isDataSettingName)
    .map((name) => [name, settings[name]]);
  return Object.freeze(Object.fromEntries(entries)) as DataSettings;
}

/** The default reserve on a disk of this size: 1 % of it, 2 GiB at least. */
export function defaultReserveBytes(diskBytes: number): number {
  return Math.max(minReserveBytes, Math.floor(diskBytes / 100));
}
