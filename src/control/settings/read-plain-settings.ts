import { resolveSettings, type SettingOverrides, type Settings } from "#kernel/settings/settings.ts";
import type { ControlQueries } from "../database/control-database.ts";
import { readPlainTexts } from "./setting-store.ts";

/**
 * The settings of a data folder that no server has; no key is opened, and secrets have their defaults.
 * @param overrides from flags, environment and configuration file
 */
export async function readPlainSettings(queries: ControlQueries, overrides: SettingOverrides): Promise<Settings> {
  return resolveSettings({ overrides, stored: await readPlainTexts(queries), defaults: {} });
}
