import { type BootKey, bootKeyOfSetting, bootKeys, flagOf, variableOf } from "./boot-keys.ts";
import { readConfigFile } from "./config-file.ts";
import { dataSettingRules, isDataSettingName } from "./data-settings.ts";
import type { FileText } from "./file-text.ts";
import { findNearestName } from "./nearest-name.ts";

/** The places that values are taken from. */
export interface BootSource {
  /** Arguments after the verb. */
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Text of the configuration file (TOML), when there is one. */
  readonly file?: string;
  /** Reads the file of a secret. */
  readonly readFile: (path: string) => FileText;
}

/** A value before it is parsed, and where it came from, for messages. */
export interface GivenValue {
  readonly text: string;
  readonly origin: string;
}

/** How a value is addressed in one place: the key, and whether the value names a file that holds it. */
interface Address {
  readonly key: BootKey<unknown>;
  readonly isFile: boolean;
}

interface Gathered {
  readonly values: Map<string, GivenValue>;
  readonly problems: string[];
}

const variablePrefix = "MAXIOFS_";
/** Of the load suite in `bench/k6`, which people run from the same shell. */
const foreignPrefix = "MAXIOFS_K6_";

const allKeys: readonly BootKey<unknown>[] = [
  ...Object.values<BootKey<unknown>>(bootKeys),
  ...Object.keys(dataSettingRules).filter(isDataSettingName).map(bootKeyOfSetting),
];

const addressesInFile = listAddresses((name, isFile) => (isFile ? `${name}_file` : name), false);
const addressesOfVariables = listAddresses((name, isFile) => variableOf(isFile ? `${name}_file` : name), false);
const addressesOfFlags = listAddresses((name, isFile) => flagOf(isFile ? `${name}_file` : name), true);

/** All given values by the key's name, the strongest place winning: flags, then variables, then the file. */
export function gatherBootValues(source: BootSource): Gathered {
  const gathered: Gathered = { values: new Map(), problems: [] };
  if (source.file !== undefined) gatherFile(source, source.file, gathered);
  gatherVariables(source, gathered);
  gatherFlags(source, gathered);
  return gathered;
}

/** Path of the configuration file named by flag or variable, so that its text can be read first. */
export function findConfigPath(source: Pick<BootSource, "flags" | "environment">): GivenValue | undefined {
  const flag = flagOf(bootKeys.configPath.name);
  const variable = variableOf(bootKeys.configPath.name);
  const at = source.flags.indexOf(flag);
  const inline = source.flags.find((argument) => argument.startsWith(`${flag}=`));
  const given = at >= 0 ? source.flags[at + 1] : inline?.slice(flag.length + 1);
  if (given !== undefined) return { text: given, origin: `Flag ${flag}` };
  const text = source.environment[variable];
  return text === undefined ? undefined : { text, origin: `Variable ${variable}` };
}

function listAddresses(spell: (name: string, isFile: boolean) => string, hidesSecrets: boolean): Map<string, Address> {
  const addresses = new Map<string, Address>();
  for (const key of allKeys) {
    if (!(key.isSecret && hidesSecrets)) addresses.set(spell(key.name, false), { key, isFile: false });
    if (key.isSecret) addresses.set(spell(key.name, true), { key, isFile: true });
  }
  return addresses;
}

function gatherFile(source: BootSource, text: string, gathered: Gathered): void {
  const { entries, problems } = readConfigFile(text);
  gathered.problems.push(...problems);
  const given = new Set<string>();
  for (const [name, value] of entries) {
    const origin = `Key ${name} of the configuration file`;
    const address = name === bootKeys.configPath.name ? undefined : addressesInFile.get(name);
    if (address === undefined) gathered.problems.push(unknown(origin, name, addressesInFile));
    else put({ source, gathered, given, origin, address, value });
  }
}

function gatherVariables(source: BootSource, gathered: Gathered): void {
  const given = new Set<string>();
  for (const [name, value] of Object.entries(source.environment)) {
    if (!name.startsWith(variablePrefix) || name.startsWith(foreignPrefix) || value === undefined) continue;
    const origin = `Variable ${name}`;
    const address = addressesOfVariables.get(name);
    if (address === undefined) gathered.problems.push(unknown(origin, name, addressesOfVariables));
    else put({ source, gathered, given, origin, address, value });
  }
}

function gatherFlags(source: BootSource, gathered: Gathered): void {
  const given = new Set<string>();
  const { flags } = source;
  for (let index = 0; index < flags.length; index++) {
    const argument = flags[index] ?? "";
    // The text is not shown: it may be a secret that follows a misspelt flag.
    if (!argument.startsWith("--")) {
      gathered.problems.push(`Argument ${index + 1} is no flag; flags begin with --`);
      continue;
    }
    const [name = "", ...rest] = argument.split("=");
    const next = flags[index + 1];
    let value = rest.length > 0 ? rest.join("=") : undefined;
    if (value === undefined && next !== undefined && !next.startsWith("--")) {
      value = next;
      index++;
    }
    const address = addressesOfFlags.get(name);
    if (address === undefined) gathered.problems.push(unknown(`Flag ${name}`, name, addressesOfFlags));
    else if (value !== undefined) put({ source, gathered, given, origin: `Flag ${name}`, address, value });
    else if (address.key.allowed === "true or false")
      put({ source, gathered, given, origin: `Flag ${name}`, address, value: "true" });
    else gathered.problems.push(`Flag ${name} needs a value; must be ${address.key.allowed}`);
  }
}

interface Found {
  readonly source: BootSource;
  readonly gathered: Gathered;
  /** Names already given in this place. */
  readonly given: Set<string>;
  readonly origin: string;
  readonly address: Address;
  readonly value: string;
}

function put({ source, gathered, given, origin, address, value }: Found): void {
  const { key, isFile } = address;
  if (given.has(key.name)) {
    gathered.problems.push(`${origin}: ${key.name} is given twice in the same place`);
    return;
  }
  given.add(key.name);
  const found: FileText = isFile ? source.readFile(value) : { text: value };
  // The path is not shown: people give the secret itself where the name of its file is wanted.
  if ("problem" in found) gathered.problems.push(`${origin}: the file it names cannot be read: ${found.problem}`);
  else gathered.values.set(key.name, { text: isFile ? found.text.replace(/\r?\n$/, "") : found.text, origin });
}

function unknown(origin: string, name: string, addresses: ReadonlyMap<string, Address>): string {
  const nearest = findNearestName(name, [...addresses.keys()]);
  return `${origin} is unknown${nearest === undefined ? "" : `; did you mean ${nearest}?`}`;
}
