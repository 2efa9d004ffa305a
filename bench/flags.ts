import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

/** A flag with a value, one without, and one that may be given again. */
export const [textFlag, plainFlag, textsFlag] = [
  { type: "string" },
  { type: "boolean" },
  { type: "string", multiple: true },
] as const;

/** The values of a command line's flags. @throws RangeError with the usage for flags that it does not know, and values that lack */
export function parseFlags<const Flags extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Flags,
  usage: string,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new RangeError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

/** The parts of a list with commas; none of an absent one. */
export function splitList(text = ""): string[] {
  return text.split(",").filter((part) => part !== "");
}
