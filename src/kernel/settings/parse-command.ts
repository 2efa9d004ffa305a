/** Names of the commands; `unknown` is what nobody knows. */
export type CommandName =
  | "serve"
  | "check"
  | "audit verify"
  | "keys export"
  | "keys import"
  | "admin"
  | "settings"
  | "policy check"
  | "version"
  | "help"
  | "unknown";

/** What a command line asks for. */
export interface ParsedCommand {
  readonly name: CommandName;
  /** Those after the name; of an unknown command the words that look like its name. */
  readonly words: readonly string[];
}

const twoWordNames: readonly CommandName[] = ["audit verify", "keys export", "keys import", "policy check"];
const oneWordNames: readonly CommandName[] = ["serve", "check", "admin", "settings", "version", "help"];
const helpFlags = ["--help", "-h"];

/** Finds the command in the words after the program's name. None, or a flag that asks for help anywhere, is `help`. */
export function parseCommand(words: readonly string[]): ParsedCommand {
  const [first = "help", second, ...others] = words;
  if (words.some((word) => helpFlags.includes(word))) {
    return { name: "help", words: words.filter((word) => !word.startsWith("-")) };
  }
  if (first === "--version") return { name: "version", words: words.slice(1) };
  const pair = twoWordNames.find((name) => name === `${first} ${second}`);
  if (pair !== undefined) return { name: pair, words: others };
  const single = oneWordNames.find((name) => name === first);
  if (single !== undefined) return { name: single, words: words.slice(1) };
  const isGroup = twoWordNames.some((name) => name.startsWith(`${first} `));
  return { name: "unknown", words: words.slice(0, isGroup ? 2 : 1) };
}
