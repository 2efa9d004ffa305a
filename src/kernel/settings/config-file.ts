const maxFileCharacters = 65_536;
const maxDepth = 4;

/** Keys with their values as text, and what is wrong, each a sentence for the operator. */
export interface ConfigFileContent {
  /** Dotted names, `s3.listen`; a list is joined by commas. */
  readonly entries: readonly (readonly [name: string, text: string])[];
  readonly problems: readonly string[];
}

/**
 * Reads `maxiofs.toml`, at most 65,536 characters. Tables give dotted names. Problems never quote the text: it may hold secrets.
 * Source: TOML 1.0, https://toml.io/en/v1.0.0
 */
export function readConfigFile(text: string): ConfigFileContent {
  if (text.length > maxFileCharacters) {
    return { entries: [], problems: [`The configuration file is longer than ${maxFileCharacters} characters`] };
  }
  const entries: (readonly [string, string])[] = [];
  const problems: string[] = [];
  try {
    flatten(Bun.TOML.parse(text), "", (name, value) => {
      const rendered = renderValue(value);
      if (rendered === undefined)
        problems.push(`Key ${name} of the configuration file must be text, a number, true or false, or a list of text`);
      else entries.push([name, rendered]);
    });
  } catch {
    const hint = text.trimStart().startsWith("{") ? "; it looks like JSON" : "";
    problems.push(`The configuration file is no valid TOML from line ${findBadLine(text)} on${hint}`);
  }
  return { entries, problems };
}

/** The line, from 1, after the longest beginning that is whole lines and valid. Bun's parser does not tell it. */
function findBadLine(text: string): number {
  const lines = text.split("\n");
  for (let count = lines.length - 1; count > 0; count--) {
    try {
      Bun.TOML.parse(lines.slice(0, count).join("\n"));
      return count + 1;
    } catch {
      // This beginning holds the fault too.
    }
  }
  return 1;
}

function flatten(table: object, prefix: string, visit: (name: string, value: unknown) => void): void {
  for (const [key, value] of Object.entries(table)) {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    const isTable = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    if (isTable && name.split(".").length < maxDepth) flatten(value, name, visit);
    else visit(name, value);
  }
}

function renderValue(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === "string" && !item.includes(",")))
    return value.join(",");
  return undefined;
}
