import type { SettingOverrides, Settings } from "#kernel/settings/settings.ts";
import type { LogStyle } from "./log.ts";

/** How log lines look by these settings. */
export function logStyleOf(settings: Settings): LogStyle {
  const { "logging.level": level, "logging.format": format, "logging.include_caller": includeCaller } = settings;
  return { level, format, includeCaller };
}

/** Lines are for people when a terminal shows them, unless a setting says otherwise. */
export function logDefaults(): SettingOverrides {
  return { "logging.format": process.stdout.isTTY ? "text" : "json" };
}
