import type { DataSettings } from "#kernel/protocol/snapshot.ts";
import { pickDataSettings } from "#kernel/settings/data-settings.ts";
import { resolveSettings } from "#kernel/settings/settings.ts";

/** The settings of the data plane when nothing is set. */
export const testDataSettings: DataSettings = pickDataSettings(
  resolveSettings({ stored: new Map(), overrides: {}, defaults: {} }),
);
