import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { takeFlag, takeWord } from "#kernel/settings/arguments.ts";
import type { SettingOverrides } from "#kernel/settings/settings.ts";
import { recordOffline } from "../audit/record-offline.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import type { TakeOptions } from "../database/take-data-folder.ts";
import { readPlainSettings } from "../settings/read-plain-settings.ts";
import { type AdminCommand, parseAdminCommand, runAdminCommand } from "./admin-command.ts";
import type { AdminAnswer } from "./admin-socket.ts";
import { ApiTokens } from "./api-tokens.ts";
import { LoginAdministration } from "./login-administration.ts";
import { PasswordHasher } from "./password-hasher.ts";
import { runOnFolder } from "./run-on-folder.ts";

/** The data folder that a command is about. */
export interface AdminPlace {
  /** Absolute. */
  readonly dataDir: string;
  /** Settings that win over stored ones. */
  readonly settings: SettingOverrides;
}

/** What a command needs of the process that runs it. */
export interface AdminCommandLine extends Omit<TakeOptions, "dataDir"> {
  /** What flags, environment and configuration file say. @throws BootConfigError */
  readonly readPlace: (flags: readonly string[]) => AdminPlace;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * `maxiofs admin VERB [USER] [FLAGS]`: through the socket of the server that has the data folder, else on the control database
 * itself, which is brought up to date for that.
 * @throws DataFolderError when the folder cannot be read; StartRefusedError when the database cannot be opened.
 */
export async function runAdmin(words: readonly string[], process: AdminCommandLine): Promise<AdminAnswer> {
  let place: AdminPlace | undefined;
  return runOnFolder<AdminCommand>(
    {
      kind: "admin",
      parse: async () => parseAdminWords(words),
      readDataDir: (flags) => {
        place = process.readPlace(flags);
        return place.dataDir;
      },
      runOffline: async (command) => (place === undefined ? [] : runOffline(command, place, process)),
    },
    process,
  );
}

/** Takes the words that belong to the command; what is left are flags of the configuration. */
function parseAdminWords(words: readonly string[]): { command: AdminCommand; flags: readonly string[] } {
  const tenant = takeFlag(words, "--tenant");
  const name = takeFlag(tenant.rest, "--name");
  const days = takeFlag(name.rest, "--days");
  const verb = takeWord(days.rest);
  const user = takeWord(verb.rest);
  const given = { verb: verb.value, user: user.value, tenant: tenant.value, name: name.value };
  return {
    command: parseAdminCommand({ ...given, ...(days.value !== undefined && { days: Number(days.value) }) }),
    flags: user.rest,
  };
}

async function runOffline(
  command: AdminCommand,
  { dataDir, settings: overrides }: AdminPlace,
  { clock, random }: AdminCommandLine,
): Promise<readonly string[]> {
  const database = await openControlDatabase(dataDir);
  try {
    const settings = await readPlainSettings(database, overrides);
    const recordAudit = recordOffline({ settings, clock, random });
    const common = { database, clock, random, recordAudit, settings: () => settings };
    const tokens = new ApiTokens(common);
    const logins = new LoginAdministration({ ...common, tokens, hasher: new PasswordHasher() });
    return await runAdminCommand(logins, command);
  } finally {
    await database.close();
  }
}
