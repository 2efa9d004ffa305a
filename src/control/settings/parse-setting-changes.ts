import { findNearestName } from "#kernel/settings/nearest-name.ts";
import { toSettingText } from "#kernel/settings/setting-rule.ts";
import {
  availableSettings,
  isSettingName,
  ruleOf,
  type SettingName,
  type SettingOverrides,
  unavailableSettings,
} from "#kernel/settings/settings.ts";
import { ControlError, type ControlErrorPart } from "../http/control-error.ts";

/** Settings of one bulk change; there are fewer. */
const maxChanges = 200;

/** Text by key; undefined puts the default back. */
export type SettingChanges = ReadonlyMap<SettingName, string | undefined>;

/**
 * Reads a bulk change: JSON values by key, null for the default. Nothing of it is taken over when one of them is wrong.
 * @param overrides settings given at start: they cannot be changed
 * @throws ControlError InvalidRequest naming every wrong key and what is allowed, never a value
 */
export function parseSettingChanges(
  body: Readonly<Record<string, unknown>>,
  overrides: SettingOverrides,
): SettingChanges {
  const entries = Object.entries(body);
  if (entries.length === 0 || entries.length > maxChanges) {
    throw new ControlError("InvalidRequest", `1 to ${maxChanges} settings are wanted`);
  }
  const changes = new Map<SettingName, string | undefined>();
  const parts: ControlErrorPart[] = [];
  for (const [name, value] of entries) {
    const outcome = parseChange(name, value, overrides);
    if ("problem" in outcome) parts.push({ pointer: pointerTo(name), message: outcome.problem });
    else changes.set(outcome.name, outcome.text);
  }
  if (parts.length > 0) throw new ControlError("InvalidRequest", undefined, parts);
  return changes;
}

type Outcome = { readonly name: SettingName; readonly text: string | undefined } | { readonly problem: string };

function parseChange(name: string, value: unknown, overrides: SettingOverrides): Outcome {
  if (!isSettingName(name)) return { problem: describeUnknown(name) };
  if (unavailableSettings.has(name)) return { problem: "not available yet" };
  if (overrides[name] !== undefined) return { problem: "given at start: it cannot be changed while the server runs" };
  if (value === null) return { name, text: undefined };
  const rule = ruleOf(name);
  const text = toSettingText(rule, value);
  const parsed = text === undefined ? undefined : rule.parse(text);
  if (parsed === undefined) return { problem: `must be ${rule.allowed}, as JSON ${jsonTypes[rule.type]}` };
  return { name, text: String(parsed) };
}

const jsonTypes = {
  boolean: "boolean",
  integer: "number",
  word: "string",
  text: "string",
  list: "array of strings",
} as const;

function describeUnknown(name: string): string {
  const nearest = findNearestName(name.slice(0, 100), availableSettings);
  return nearest === undefined ? "there is no such setting" : `there is no such setting; did you mean ${nearest}?`;
}

/** Source: RFC 6901. */
function pointerTo(name: string): string {
  return `/${name.slice(0, 100).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
