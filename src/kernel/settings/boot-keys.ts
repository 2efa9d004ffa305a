import { accessKeyIdPattern, secretKeyPattern } from "./credential-shape.ts";
import { type DataSettingName, dataSettingRules } from "./data-settings.ts";
import {
  integerBetween,
  type ListenAddress,
  listenValue,
  oneOf,
  pathValue,
  textLike,
  type ValueParser,
} from "./value-parser.ts";

/**
 * One static key. Its name in the file (`s3.tls_listen`) gives the flag (`--s3-tls-listen`) and the environment variable
 * (`MAXIOFS_S3_TLS_LISTEN`). A secret has no flag, since command lines are public on a machine: its flag and variable
 * with `_FILE` at the end name a file that holds it.
 */
export interface BootKey<V> extends ValueParser<V> {
  readonly name: string;
  readonly description: string;
  /** What the value is called in the help text. */
  readonly placeholder: string;
  readonly isSecret: boolean;
  /** Default as help shows it; empty when there is none. */
  readonly defaultText: string;
}

/** Each static key of the server, by the field of `BootConfig` it fills. */
export const bootKeys = {
  configPath: define("config", pathValue, { placeholder: "FILE", description: "Configuration file in TOML", text: "" }),
  dataDir: define("data", pathValue, {
    placeholder: "DIR",
    description: "Data folder; made when missing",
    text: "./data",
  }),
  s3Listen: define("s3.listen", listenValue, {
    placeholder: "HOST:PORT",
    description: "Address of the S3 port; 0.0.0.0 is every IPv4 address of the machine",
    text: "0.0.0.0:9000",
  }),
  s3TlsListen: define("s3.tls_listen", listenValue, {
    placeholder: "HOST:PORT",
    description: "Address of the S3 port with TLS; needs tls.cert and tls.key",
    text: "",
  }),
  consoleListen: define("console.listen", listenValue, {
    placeholder: "HOST:PORT",
    description: "Address of console, health and metrics",
    text: "0.0.0.0:9001",
  }),
  tlsCertPath: define("tls.cert", pathValue, { placeholder: "FILE", description: "Certificate chain, PEM", text: "" }),
  tlsKeyPath: define("tls.key", pathValue, { placeholder: "FILE", description: "Private key, PEM", text: "" }),
  workers: define("workers", integerBetween(1, 64), {
    placeholder: "N",
    description: "Threads that serve S3 requests, 1 to 64",
    text: "number of processors",
  }),
  idleTimeoutSeconds: define("s3.idle_timeout", integerBetween(1, 3600, "seconds"), {
    placeholder: "SECONDS",
    description: "A client that moves no byte for this many seconds is cut off",
    text: "60",
  }),
  logLevel: define("logging.level", oneOf("debug", "info", "warn", "error"), {
    placeholder: "debug|info|warn|error",
    description: "Least level that is logged",
    text: "info",
  }),
  logFormat: define("logging.format", oneOf("auto", "json", "text"), {
    placeholder: "auto|json|text",
    description: "Log format; auto is text on a terminal, else json",
    text: "auto",
  }),
  adminUser: define("admin.user", textLike(/^[A-Za-z0-9+=,.@_-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 + = , . @ _ -"), {
    placeholder: "NAME",
    description: "Name of the first administrator, used at the first start only",
    text: "admin",
  }),
  adminPassword: define("admin.password", textLike(/^[^\0\r\n]{1,256}$/, "1 to 256 characters on one line"), {
    placeholder: "PASSWORD",
    description: "Password of the first administrator, used until anybody has a password",
    text: "generated",
    isSecret: true,
  }),
  adminAccessKey: define("admin.access_key", textLike(accessKeyIdPattern, "3 to 128 of A-Z a-z 0-9 . _ -"), {
    placeholder: "ID",
    description: "Access key of the first administrator, used at the first start only",
    text: "generated",
  }),
  adminSecretKey: define("admin.secret_key", textLike(secretKeyPattern, "16 to 128 printable ASCII characters"), {
    placeholder: "SECRET",
    description: "Secret of that access key",
    text: "generated",
    isSecret: true,
  }),
  rootKey: define(
    "root_key",
    { allowed: "the base64 of 32 bytes", parse: parseRootKey },
    {
      placeholder: "BASE64",
      description: "Root of all encryption keys, in place of the file root.key in the data folder",
      text: "",
      isSecret: true,
    },
  ),
} as const satisfies Readonly<Record<string, BootKey<unknown>>>;

/** A dynamic setting that is given at start; it then wins over the stored one. */
export function bootKeyOfSetting(name: DataSettingName): BootKey<unknown> {
  const { description, placeholder, fallback, allowed, parse } = dataSettingRules[name];
  const text = name === "storage.reserve_bytes" ? "1 % of the disk, at least 2 GiB" : String(fallback);
  return { name, placeholder, description, isSecret: false, defaultText: text, allowed, parse };
}

/** `--s3-tls-listen` of `s3.tls_listen`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[._]/g, "-")}`;
}

/** `MAXIOFS_S3_TLS_LISTEN` of `s3.tls_listen`. */
export function variableOf(name: string): string {
  return `MAXIOFS_${name.replaceAll(".", "_").toUpperCase()}`;
}

function define<V>(
  name: string,
  parser: ValueParser<V>,
  about: {
    readonly placeholder: string;
    readonly description: string;
    readonly text: string;
    readonly isSecret?: boolean;
  },
): BootKey<V> {
  const { placeholder, description, text, isSecret = false } = about;
  return { name, placeholder, description, isSecret, defaultText: text, ...parser };
}

function parseRootKey(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** Where the S3 port listens when nothing is said. */
export const defaultS3Listen: ListenAddress = { host: "0.0.0.0", port: 9000 };

/** Where the console listens when nothing is said. */
export const defaultConsoleListen: ListenAddress = { host: "0.0.0.0", port: 9001 };
