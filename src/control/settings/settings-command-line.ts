import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { takeSwitch, takeWord } from "#kernel/settings/arguments.ts";
import type { SettingOverrides } from "#kernel/settings/settings.ts";
import { recordOffline } from "../audit/record-offline.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import type { TakeOptions } from "../database/take-data-folder.ts";
import { readRootKeyId } from "../encryption/key-encryption-keys.ts";
import { deriveKey, openRootKey } from "../encryption/root-key.ts";
import { Sealer } from "../encryption/seal.ts";
import { ControlError } from "../http/control-error.ts";
import type { AdminAnswer } from "../session/admin-socket.ts";
import { runOnFolder } from "../session/run-on-folder.ts";
import { openServerSettings, readSettingSources } from "./open-server-settings.ts";
import { parseSettingsCommand, runSettingsCommand, type SettingsCommand } from "./settings-command.ts";

/** The data folder that a command is about, and the configuration of whoever runs it. */
export interface SettingsPlace {
  /** Absolute. */
  readonly dataDir: string;
  /** 32 bytes, in place of the file `root.key`. */
  readonly rootKey?: Uint8Array | undefined;
  /** Settings that win over stored ones. */
  readonly settings: SettingOverrides;
  readonly settingDefaults: SettingOverrides;
}

/** What a command needs of the process that runs it. */
export interface SettingsCommandLine extends Omit<TakeOptions, "dataDir"> {
  /** What flags, environment and configuration file say. @throws BootConfigError */
  readonly readPlace: (flags: readonly string[]) => SettingsPlace;
  /** The first line of standard input. */
  readonly readLine: () => Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * `maxiofs settings VERB [KEY] [VALUE] [FLAGS]`: through the socket of the server that has the data folder, else on its control
 * database.
 * @throws DataFolderError when the folder cannot be read; StartRefusedError when the database or a key cannot be opened.
 */
export async function runSettings(words: readonly string[], process: SettingsCommandLine): Promise<AdminAnswer> {
  let place: SettingsPlace | undefined;
  return runOnFolder<SettingsCommand>(
    {
      kind: "settings",
      parse: () => parseWords(words, process.readLine),
      readDataDir: (flags) => {
        place = process.readPlace(flags);
        return place.dataDir;
      },
      runOffline: async (command) => (place === undefined ? [] : runOffline(command, place, process)),
    },
    process,
  );
}

async function parseWords(
  words: readonly string[],
  readLine: () => Promise<string>,
): Promise<{ command: SettingsCommand; flags: readonly string[] }> {
  const fallback = takeSwitch(words, "--default");
  const verb = takeWord(fallback.rest);
  const key = takeWord(verb.rest);
  const value = takeWord(key.rest);
  const isReset = fallback.value !== undefined;
  if (value.value !== undefined && (isReset || takeWord(value.rest).value !== undefined))
    throw new ControlError("InvalidRequest", "One value is wanted, or --default; one with spaces goes in quotes");
  const given = { verb: verb.value, key: key.value, value: isReset ? null : value.value };
  const command = parseSettingsCommand(given);
  // Other users of the machine see the words of a command, but not its input.
  const isInput = command.verb === "set" && command.value === "-";
  return { command: isInput ? { ...command, value: await readLine() } : command, flags: value.rest };
}

async function runOffline(
  command: SettingsCommand,
  { dataDir, rootKey: given, ...from }: SettingsPlace,
  { clock, random }: SettingsCommandLine,
): Promise<readonly string[]> {
  const database = await openControlDatabase(dataDir);
  try {
    const wantedId = await readRootKeyId(database);
    const rootKey = openRootKey({ dataDir, given, wantedId, hasObjects: true, random });
    const sealer = new Sealer(deriveKey(rootKey, "control-secrets"), random);
    const sources = await readSettingSources(database, { sealer, dataDir, given: from });
    const settings = openServerSettings(sources, {
      database,
      // There is no worker to be told.
      publisher: { publish: async () => 0 },
      record: async (queries, event) => recordOffline({ settings: settings.current, clock, random })(queries, event),
    });
    return await runSettingsCommand(settings, command);
  } finally {
    await database.close();
  }
}
