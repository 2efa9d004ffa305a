import { isSettingName, ruleOf } from "#kernel/settings/settings.ts";
import { ControlError } from "../http/control-error.ts";
import { parseSettingChanges } from "./parse-setting-changes.ts";
import type { ServerSettings, ShownSetting } from "./server-settings.ts";

/** What `maxiofs settings` asks for. */
export type SettingsCommand =
  | { readonly verb: "list" }
  | { readonly verb: "get"; readonly key: string }
  /** The text of the new value; null puts the default back. */
  | { readonly verb: "set"; readonly key: string; readonly value: string | null };

/** Characters of a key or value that a message repeats. */
const maxShown = 100;

/** The settings that a command works on. */
type CommandedSettings = Pick<ServerSettings, "list" | "show" | "update">;

/** A command as it comes through the socket. @throws ControlError InvalidRequest for anything else. */
export function parseSettingsCommand(value: unknown): SettingsCommand {
  const fields = typeof value === "object" && value !== null ? value : {};
  const field = (name: string): unknown => Object.getOwnPropertyDescriptor(fields, name)?.value;
  const [verb, key, text] = [field("verb"), field("key"), field("value")];
  if (verb === "list") return { verb };
  if (verb !== "get" && verb !== "set") throw misused();
  if (typeof key !== "string") throw misused();
  if (verb === "get") return { verb, key };
  if (typeof text === "string" || text === null) return { verb, key, value: text };
  throw new ControlError("InvalidRequest", `A value of ${key.slice(0, maxShown)} is wanted, or --default`);
}

/** Runs a command. @returns lines for people; secrets are masked. @throws ControlError */
export async function runSettingsCommand(
  settings: CommandedSettings,
  command: SettingsCommand,
): Promise<readonly string[]> {
  switch (command.verb) {
    case "list":
      return renderTable(settings.list());
    case "get":
      return [renderValue(await inWords(command.key, async () => findSetting(settings, command.key)))];
    case "set":
      await inWords(command.key, () => change(settings, command), command.value);
      return [`${command.key} = ${renderValue(findSetting(settings, command.key))}`];
  }
}

async function change(
  settings: CommandedSettings,
  { key, value }: Extract<SettingsCommand, { readonly verb: "set" }>,
): Promise<void> {
  await settings.update({
    body: { [key]: value === null ? null : toJson(key, value) },
    revision: undefined,
    origin: { actor: { kind: "commandLine", id: "", name: "maxiofs settings" }, via: "commandLine" },
  });
}

/** What is wrong in one line that names the setting and the value, if that is no secret; types of JSON say nothing to who types words. */
async function inWords<T>(key: string, work: () => Promise<T>, value: string | null = null): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const [part] = error instanceof ControlError ? error.parts : [];
    if (part === undefined) throw error;
    const message = part.message.replace(/, as JSON [a-z ]+$/, "");
    const isShown = value !== null && message.startsWith("must be") && isSettingName(key) && !ruleOf(key).isSecret;
    const seen = isShown ? `, not ${JSON.stringify(value.slice(0, maxShown))}` : "";
    throw new ControlError("InvalidRequest", `${key.slice(0, maxShown)}: ${message}${seen}`);
  }
}

function misused(): ControlError {
  return new ControlError(
    "InvalidRequest",
    "Wanted is one of: settings list, settings get KEY, settings set KEY VALUE, settings set KEY --default",
  );
}

/** @throws ControlError InvalidRequest with the nearest name, in the words of a change. */
function findSetting(settings: CommandedSettings, key: string): ShownSetting {
  if (!isSettingName(key) || !settings.list().some((shown) => shown.key === key)) {
    parseSettingChanges({ [key]: null }, {});
    throw new ControlError("NotFound");
  }
  return settings.show(key);
}

/** The value that the text stands for; one that is none goes on as text, to be refused with what is allowed. */
function toJson(key: string, text: string): unknown {
  return isSettingName(key) ? (ruleOf(key).parse(text) ?? text) : text;
}

function renderValue({ value }: ShownSetting): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}

function renderTable(all: readonly ShownSetting[]): readonly string[] {
  const rows = all.map((shown) => [shown.key, renderValue(shown), shown.source] as const);
  const [keys, values] = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map(([key, value, source]) => `${key.padEnd(keys ?? 0)}  ${value.padEnd(values ?? 0)}  ${source}`);
}
