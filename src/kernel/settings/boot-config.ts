import { BootConfigError } from "./boot-config-error.ts";
import {
  type BootKey,
  bootKeyOfSetting,
  bootKeys,
  defaultConsoleListen,
  defaultS3Listen,
  flagOf,
  variableOf,
} from "./boot-keys.ts";
import { type BootSource, type GivenValue, gatherBootValues } from "./boot-values.ts";
import { type DataSettingName, dataSettingRules, isDataSettingName } from "./data-settings.ts";
import type { SettingOverrides } from "./settings.ts";
import type { ListenAddress } from "./value-parser.ts";

/** Static configuration, decided at start and frozen. */
export interface BootConfig {
  /** As given: relative to the working folder unless absolute. */
  readonly dataDir: string;
  readonly s3Listen: ListenAddress;
  readonly s3TlsListen?: ListenAddress;
  readonly consoleListen: ListenAddress;
  /** Certificate and key, PEM files; both or none. */
  readonly tls?: { readonly certPath: string; readonly keyPath: string };
  /** 1 to 64. */
  readonly workers: number;
  readonly idleTimeoutSeconds: number;
  /** Name and password of the first administrator; mean nothing once the data folder has them. */
  readonly firstLogIn: { readonly userName?: string; readonly password?: string };
  /** Key of the first administrator; means nothing once the data folder has one. */
  readonly administrator?: { readonly accessKeyId: string; readonly secretKey: string };
  /** 32 bytes, when given in place of the file. */
  readonly rootKey?: Uint8Array;
  /** Dynamic settings given at start: they win over stored ones. */
  readonly settings: SettingOverrides;
}

/** Where static configuration comes from. */
export interface BootInput extends BootSource {
  /** Number of processors: the default of `workers`, 64 at most. */
  readonly cpuCount: number;
}

/**
 * Reads the static configuration: flags over `MAXIOFS_*` over the file over defaults.
 * @throws BootConfigError naming every wrong key with its value (never a secret's) and what is allowed, and for every
 * unknown one the nearest that exists.
 */
export function parseBootConfig(input: BootInput): BootConfig {
  const { values, problems } = gatherBootValues(input);
  const read = <V>(key: BootKey<V>): V | undefined => {
    const given = values.get(key.name);
    if (given === undefined) return undefined;
    const value = key.parse(given.text);
    if (value === undefined) problems.push(wrongValue(key, given));
    return value;
  };
  const s3TlsListen = read(bootKeys.s3TlsListen);
  const pair = <A, B>(first: BootKey<A>, second: BootKey<B>): [A, B] | undefined => {
    if (values.has(first.name) !== values.has(second.name)) {
      problems.push(`${first.name} and ${second.name} belong together: one of them is missing`);
    }
    const [one, other] = [read(first), read(second)];
    return one === undefined || other === undefined ? undefined : [one, other];
  };
  const tls = pair(bootKeys.tlsCertPath, bootKeys.tlsKeyPath);
  const login = pair(bootKeys.adminAccessKey, bootKeys.adminSecretKey);
  if (values.has("s3.tls_listen") && !values.has("tls.cert")) problems.push("s3.tls_listen needs tls.cert and tls.key");
  const rootKey = read(bootKeys.rootKey);
  const [logLevel, logFormat] = [read(bootKeys.logLevel), read(bootKeys.logFormat)];
  const [userName, password] = [read(bootKeys.adminUser), read(bootKeys.adminPassword)];
  const config: BootConfig = {
    dataDir: read(bootKeys.dataDir) ?? bootKeys.dataDir.defaultText,
    s3Listen: read(bootKeys.s3Listen) ?? defaultS3Listen,
    ...(s3TlsListen && { s3TlsListen }),
    consoleListen: read(bootKeys.consoleListen) ?? defaultConsoleListen,
    ...(tls && { tls: { certPath: tls[0], keyPath: tls[1] } }),
    workers: read(bootKeys.workers) ?? Math.min(64, Math.max(1, input.cpuCount)),
    idleTimeoutSeconds: read(bootKeys.idleTimeoutSeconds) ?? Number(bootKeys.idleTimeoutSeconds.defaultText),
    firstLogIn: { ...(userName !== undefined && { userName }), ...(password !== undefined && { password }) },
    ...(login && { administrator: { accessKeyId: login[0], secretKey: login[1] } }),
    ...(rootKey && { rootKey }),
    settings: {
      ...readOverrides(values, problems),
      ...(logLevel && { "logging.level": logLevel }),
      ...(logFormat && logFormat !== "auto" && { "logging.format": logFormat }),
    },
  };
  if (problems.length > 0) throw new BootConfigError(problems);
  return freezeDeep(config);
}

function readOverrides(values: ReadonlyMap<string, GivenValue>, problems: string[]): SettingOverrides {
  const read = <N extends DataSettingName>(name: N): SettingOverrides => {
    const given = values.get(name);
    if (given === undefined) return {};
    const value = dataSettingRules[name].parse(given.text);
    if (value === undefined) problems.push(wrongValue(bootKeyOfSetting(name), given));
    return value === undefined ? {} : { [name]: value };
  };
  let overrides: SettingOverrides = {};
  for (const name of Object.keys(dataSettingRules)) {
    if (isDataSettingName(name)) overrides = { ...overrides, ...read(name) };
  }
  return overrides;
}

function wrongValue(key: BootKey<unknown>, given: GivenValue): string {
  const seen = key.isSecret ? "its value" : JSON.stringify(given.text.slice(0, 100));
  return `${given.origin}: ${seen} is not allowed; must be ${key.allowed}`;
}

function freezeDeep<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null && !ArrayBuffer.isView(part)) freezeDeep(part);
  }
  return Object.freeze(value);
}

/**
 * The flags, variables and file keys with their defaults; ends in a line feed.
 * @param names the keys to list; all of them when absent.
 */
export function renderFlags(names?: readonly string[]): string {
  const settings = Object.keys(dataSettingRules).filter(isDataSettingName).map(bootKeyOfSetting);
  const keys = [...Object.values<BootKey<unknown>>(bootKeys), ...settings];
  const entries = keys
    .filter(({ name }) => names?.includes(name) ?? true)
    .map((key) => {
      const flag = `${flagOf(key.name)}${key.isSecret ? "-file FILE" : ` ${key.placeholder}`}`;
      const fallback = key.defaultText === "" ? "" : ` [${key.defaultText}]`;
      const variable = `${variableOf(key.name)}${key.isSecret ? " or ..._FILE" : ""}`;
      const inFile = key === bootKeys.configPath ? "" : `; in the file: ${key.name}`;
      return `  ${flag}\n      ${key.description}${fallback}\n      ${variable}${inFile}\n`;
    });
  return entries.join("");
}
