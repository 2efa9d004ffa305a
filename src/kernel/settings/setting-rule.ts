import { booleanValue, integerBetween, listOf, oneOf, type ValueParser } from "./value-parser.ts";

/** How a value looks in JSON: a boolean, a whole number, one of a few words, a text, a list of texts. */
export type SettingType = "boolean" | "integer" | "word" | "text" | "list";

/** What is known about one dynamic setting. Its text form is the one of `maxiofs.toml`, variables and the database. */
export interface SettingRule<V> extends ValueParser<V> {
  readonly type: SettingType;
  /** What it does, without full stop. */
  readonly description: string;
  /** What the value is called in the help text. */
  readonly placeholder: string;
  readonly fallback: V;
  /** Of a number: what is counted, such as `seconds`; absent for plain counts and other types. */
  readonly unit?: string;
  /** Of a number: both included. */
  readonly min?: number;
  readonly max?: number;
  /** Of a word: the choices. */
  readonly words?: readonly string[];
  /** Sealed when stored, masked when read. */
  readonly isSecret: boolean;
}

/** What stands in place of a secret that is set. It is no value: who sends it back means no change, and is refused. */
export const secretMask = "***";

const maxTextLength = 1024;
const printable = /^[^\u0000-\u001f\u007f]*$/;
const maxSecretLength = 512;
/** Printable ASCII without blanks: it must fit into a header line. */
const secretText = /^[!-~]*$/;

/** A switch. */
export function flagSetting(description: string, fallback: boolean): SettingRule<boolean> {
  return { ...booleanValue, type: "boolean", description, placeholder: "true|false", fallback, isSecret: false };
}

/** Bounds of a number, both included; `unit` as in "a whole number of seconds". */
export interface NumberBounds {
  readonly min: number;
  readonly max: number;
  readonly unit?: string;
  readonly fallback: number;
}

/** A whole number. */
export function numberSetting(description: string, bounds: NumberBounds): SettingRule<number> {
  const { min, max, unit, fallback } = bounds;
  const parser = integerBetween(min, max, unit);
  const about = { description, placeholder: unit?.toUpperCase() ?? "N", ...(unit && { unit }) };
  return { ...parser, ...about, type: "integer", fallback, min, max, isSecret: false };
}

/** One of a few words. */
export function wordSetting<const W extends string>(
  description: string,
  words: readonly W[],
  fallback: NoInfer<W>,
): SettingRule<W> {
  const about = { description, placeholder: words.join("|") };
  return { ...oneOf(...words), ...about, type: "word", fallback, words, isSecret: false };
}

/** A line of text; by default any printable one of at most 1,024 characters. */
export function textSetting(
  description: string,
  fallback: string,
  parser: ValueParser<string> = lineValue,
): SettingRule<string> {
  return { ...parser, type: "text", description, placeholder: "TEXT", fallback, isSecret: false };
}

/** A text or nothing: the default is empty, and so is what is not set. */
export function optionalSetting(description: string, parser: ValueParser<string>): SettingRule<string> {
  const parse = (text: string) => (text === "" ? "" : parser.parse(text));
  return textSetting(description, "", { allowed: `empty or ${parser.allowed}`, parse });
}

/** A secret, empty when there is none. @param minLength of one that is set */
export function secretSetting(description: string, minLength = 1): SettingRule<string> {
  const rule = optionalSetting(description, {
    allowed: `${minLength} to ${maxSecretLength} printable ASCII characters without blanks`,
    parse: (text) => {
      const fits = text.length >= minLength && text.length <= maxSecretLength && text !== secretMask;
      return fits && secretText.test(text) ? text : undefined;
    },
  });
  return { ...rule, isSecret: true };
}

/** A list of texts, at most 100. */
export function listSetting(
  description: string,
  item: ValueParser<string>,
  fallback: readonly string[] = [],
): SettingRule<readonly string[]> {
  return { ...listOf(item), type: "list", description, placeholder: "ITEM,...", fallback, isSecret: false };
}

const lineValue: ValueParser<string> = {
  allowed: `text of at most ${maxTextLength} characters, none of them a control character`,
  parse: (text) => (text.length <= maxTextLength && printable.test(text) ? text : undefined),
};

/**
 * The text form of a JSON value, if it has the type of the rule; undefined else. A list is joined with commas, which no item
 * may hold.
 */
export function toSettingText({ type }: Pick<SettingRule<unknown>, "type">, json: unknown): string | undefined {
  switch (type) {
    case "boolean":
      return typeof json === "boolean" ? String(json) : undefined;
    case "integer":
      return typeof json === "number" && Number.isSafeInteger(json) ? String(json) : undefined;
    case "word":
    case "text":
      return typeof json === "string" ? json : undefined;
    case "list":
      return Array.isArray(json) && json.every(isItem) ? json.join(",") : undefined;
  }
}

function isItem(item: unknown): item is string {
  return typeof item === "string" && item.trim() !== "" && !item.includes(",");
}
