import { defaultReserveBytes } from "#kernel/settings/data-settings.ts";
import type { SettingOverrides, SettingSources } from "#kernel/settings/settings.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { readDiskBytes } from "../database/durable-file.ts";
import type { Sealer } from "../encryption/seal.ts";
import { ServerSettings, type ServerSettingsOptions } from "./server-settings.ts";
import { SettingStore } from "./setting-store.ts";

/** What the settings in force are found from. */
export interface SettingPlace {
  readonly sealer: Sealer;
  readonly dataDir: string;
  readonly given: { readonly settings: SettingOverrides; readonly settingDefaults?: SettingOverrides };
}

/** The sources of the settings, with what belongs to the stored ones. */
export interface OpenedSources extends SettingSources {
  readonly store: SettingStore;
  readonly revision: number;
}

/** Reads the stored settings and finds the defaults of this machine. @throws SealBrokenError when a secret does not open. */
export async function readSettingSources(
  database: ControlDatabase,
  { sealer, dataDir, given }: SettingPlace,
): Promise<OpenedSources> {
  const store = new SettingStore(sealer);
  const { texts: stored, revision } = await store.readAll(database);
  const reserve = { "storage.reserve_bytes": defaultReserveBytes(readDiskBytes(dataDir)) };
  return { store, stored, revision, overrides: given.settings, defaults: { ...reserve, ...given.settingDefaults } };
}

/** The live settings. */
export function openServerSettings(
  { store, stored: texts, revision, overrides, defaults }: OpenedSources,
  parts: Pick<ServerSettingsOptions, "database" | "publisher" | "record">,
): ServerSettings {
  return new ServerSettings({ ...parts, store, stored: { texts, revision }, overrides, defaults });
}
