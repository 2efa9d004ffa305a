import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { SettingOverrides } from "#kernel/settings/settings.ts";
import type { AuditEvent } from "../audit/audit-event.ts";
import { recordOffline } from "../audit/record-offline.ts";
import { hasControlDatabase, openControlDatabase } from "../database/open-control-database.ts";
import { hasCurrentSchema } from "../database/read-control-database.ts";
import type { TakeOptions } from "../database/take-data-folder.ts";
import { ControlError } from "../http/control-error.ts";
import { runOnFolder } from "../session/run-on-folder.ts";
import { readPlainSettings } from "../settings/read-plain-settings.ts";

/** What was done with the root key of a data folder. */
export interface KeyCommand {
  readonly verb: "export" | "import";
  readonly rootKeyId: string;
}

/** Where it was done, and by which process. */
export interface KeyCommandPlace extends TakeOptions {
  /** Settings that win over stored ones. */
  readonly settings: SettingOverrides;
  readonly clock: Clock;
  readonly random: Random;
}

const actions = { export: "maxiofs:ExportKeys", import: "maxiofs:ImportKeys" } as const;

/**
 * Records that the root key was exported or put back: through the socket of the server that has the folder, else on its control
 * database. Whoever reads the folder can copy the key without this program, and a key is wanted when things are broken: so
 * a folder that cannot be written does not hinder the command.
 * @returns why it is not recorded, lines for people; none when it is, or when there is nothing to record it in
 */
export async function recordKeyCommand(command: KeyCommand, place: KeyCommandPlace): Promise<readonly string[]> {
  const { dataDir } = place;
  if (!hasControlDatabase(dataDir)) return [];
  try {
    const { isDone, lines } = await runOnFolder<KeyCommand>(
      {
        kind: "keys",
        parse: async () => ({ command, flags: [] }),
        readDataDir: () => dataDir,
        runOffline: () => recordOnFolder(command, place),
      },
      place,
    );
    return isDone ? [] : lines.map((line) => `${line}; the audit does not tell of this ${command.verb}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [`maxiofs: ${reason}; the audit does not tell of this ${command.verb}`];
  }
}

/** A command as it comes through the socket. @throws ControlError InvalidRequest for anything else. */
export function parseKeyCommand(value: unknown): KeyCommand {
  const fields = typeof value === "object" && value !== null ? value : {};
  const verb = "verb" in fields && (fields.verb === "export" || fields.verb === "import") ? fields.verb : undefined;
  const rootKeyId = "rootKeyId" in fields && typeof fields.rootKeyId === "string" ? fields.rootKeyId : undefined;
  if (verb === undefined || rootKeyId === undefined) {
    throw new ControlError("InvalidRequest", "A verb, export or import, and the id of a root key are wanted");
  }
  return { verb, rootKeyId };
}

/** The event that tells of a command. */
export function keyCommandEvent({ verb, rootKeyId }: KeyCommand): AuditEvent {
  return {
    tenantId: null,
    actor: { kind: "commandLine", id: "", name: `maxiofs keys ${verb}` },
    action: actions[verb],
    resource: { kind: "rootKey", id: rootKeyId },
    outcome: "success",
    via: "commandLine",
  };
}

async function recordOnFolder(command: KeyCommand, place: KeyCommandPlace): Promise<readonly string[]> {
  const { dataDir, clock, random } = place;
  // A copy of the keys is made before an upgrade: it must not be the upgrade.
  if (!(await hasCurrentSchema(dataDir))) {
    throw new ControlError("Unavailable", "control.db is of another release, and is not changed");
  }
  const database = await openControlDatabase(dataDir);
  try {
    const settings = await readPlainSettings(database, place.settings);
    const record = recordOffline({ settings, clock, random });
    await database.transaction((queries) => record(queries, keyCommandEvent(command)));
    return [];
  } finally {
    await database.close();
  }
}
