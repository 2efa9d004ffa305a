import { expect, test } from "bun:test";
import fc from "fast-check";
import { type BootInput, parseBootConfig, renderFlags } from "./boot-config.ts";
import { BootConfigError } from "./boot-config-error.ts";
import { findConfigPath } from "./boot-values.ts";

const secret = "a-secret-that-nobody-may-see";
const rootKey = Buffer.alloc(32, 7).toString("base64");

function parse(input: Partial<BootInput>): ReturnType<typeof parseBootConfig> {
  return parseBootConfig({
    flags: [],
    environment: {},
    readFile: () => ({ problem: "it does not exist" }),
    cpuCount: 4,
    ...input,
  });
}

function problemsOf(input: Partial<BootInput>): readonly string[] {
  try {
    parse(input);
  } catch (error) {
    if (error instanceof BootConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("parseBootConfig: defaults", () => {
  expect(parse({})).toEqual({
    dataDir: "./data",
    s3Listen: { host: "0.0.0.0", port: 9000 },
    consoleListen: { host: "0.0.0.0", port: 9001 },
    workers: 4,
    idleTimeoutSeconds: 60,
    firstLogIn: {},
    settings: {},
  });
  expect(parse({ cpuCount: 256 }).workers).toBe(64);
});

test("parseBootConfig: flags win over variables, variables over the file", () => {
  const file = 'data = "/file"\nworkers = 1\n[s3]\nlisten = "127.0.0.1:1"\nregion = "eu-1"\n';
  const environment = { MAXIOFS_WORKERS: "2", MAXIOFS_S3_LISTEN: "127.0.0.1:2", PATH: "/bin" };
  const config = parse({ flags: ["--s3-listen", "[::1]:3"], environment, file });
  expect(config.dataDir).toBe("/file");
  expect(config.workers).toBe(2);
  expect(config.s3Listen).toEqual({ host: "::1", port: 3 });
  expect(config.settings).toEqual({ "s3.region": "eu-1" });
});

test("parseBootConfig: lists, switches and dynamic settings", () => {
  const config = parse({
    flags: ["--s3-strict-region", "--storage-inline-threshold=0", "--server-s3-domains", "S3.example.com, b.c"],
  });
  expect(config.settings).toEqual({
    "s3.strict_region": true,
    "storage.inline_threshold": 0,
    "server.s3_domains": ["s3.example.com", "b.c"],
  });
  expect(parse({ file: '[server]\ns3_domains = ["a.b", "c.d"]' }).settings["server.s3_domains"]).toEqual([
    "a.b",
    "c.d",
  ]);
});

test("parseBootConfig: how the log looks is a setting, unless it is left to the terminal", () => {
  expect(parse({ flags: ["--logging-level", "warn", "--logging-format", "text"] }).settings).toEqual({
    "logging.level": "warn",
    "logging.format": "text",
  });
  expect(parse({ environment: { MAXIOFS_LOGGING_FORMAT: "auto" } }).settings).toEqual({});
});

test("parseBootConfig: the result is frozen in depth", () => {
  const config = parse({ flags: ["--server-s3-domains", "a.b"] });
  expect(Object.isFrozen(config) && Object.isFrozen(config.s3Listen) && Object.isFrozen(config.settings)).toBe(true);
});

test("parseBootConfig: a wrong value names the place, the value and what is allowed", () => {
  expect(problemsOf({ flags: ["--workers", "0"] })).toEqual([
    'Flag --workers: "0" is not allowed; must be a whole number from 1 to 64',
  ]);
  expect(problemsOf({ environment: { MAXIOFS_S3_LISTEN: "9000" } })).toEqual([
    'Variable MAXIOFS_S3_LISTEN: "9000" is not allowed; must be HOST:PORT, such as 0.0.0.0:9000 or [::1]:9000',
  ]);
  expect(problemsOf({ file: "workers = 1.5" })).toEqual([
    'Key workers of the configuration file: "1.5" is not allowed; must be a whole number from 1 to 64',
  ]);
});

test("parseBootConfig: all problems are told at once", () => {
  expect(
    problemsOf({ flags: ["--workers", "x", "--history-window", "1"], environment: { MAXIOFS_DATA: "" } }),
  ).toHaveLength(3);
});

test("parseBootConfig: unknown names propose the nearest", () => {
  expect(problemsOf({ flags: ["--worker", "1"] })).toEqual(["Flag --worker is unknown; did you mean --workers?"]);
  expect(problemsOf({ environment: { MAXIOFS_S3_LISTN: "x" } })).toEqual([
    "Variable MAXIOFS_S3_LISTN is unknown; did you mean MAXIOFS_S3_LISTEN?",
  ]);
  expect(problemsOf({ file: "[console]\nlissten = 'a:1'" })).toEqual([
    "Key console.lissten of the configuration file is unknown; did you mean console.listen?",
  ]);
  expect(problemsOf({ environment: { MAXIOFS_K6_ACCESS_KEY: "x" } })).toEqual([]);
  expect(problemsOf({ flags: ["--zzzzzzzzzzzzzzzzzzzzzzzz"] })).toEqual(["Flag --zzzzzzzzzzzzzzzzzzzzzzzz is unknown"]);
});

test("parseBootConfig: flags without a value, twice or without dashes are refused", () => {
  expect(problemsOf({ flags: ["--workers"] })[0]).toStartWith("Flag --workers needs a value");
  expect(problemsOf({ flags: ["--workers", "1", "--workers=2"] })[0]).toContain("given twice");
  expect(problemsOf({ flags: ["stray"] })).toEqual(["Argument 1 is no flag; flags begin with --"]);
});

test("parseBootConfig: names of object's own methods are unknown keys", () => {
  for (const name of ["constructor", "__proto__", "toString"]) {
    expect(problemsOf({ flags: [`--${name}`, "x"] })).toHaveLength(1);
    expect(problemsOf({ environment: { [`MAXIOFS_${name}`]: "x" } })).toHaveLength(1);
  }
  expect(problemsOf({ file: "[constructor]\nprototype = 1" })).toHaveLength(1);
});

test("parseBootConfig: the administrator comes from variables or a secret's file, both parts or none", () => {
  const id = "AKIAEXAMPLE";
  expect(
    parse({ environment: { MAXIOFS_ADMIN_ACCESS_KEY: id, MAXIOFS_ADMIN_SECRET_KEY: secret } }).administrator,
  ).toEqual({
    accessKeyId: id,
    secretKey: secret,
  });
  const readFile = (path: string) => (path === "/run/secret" ? { text: `${secret}\n` } : { problem: "it is a folder" });
  const environment = { MAXIOFS_ADMIN_ACCESS_KEY: id, MAXIOFS_ADMIN_SECRET_KEY_FILE: "/run/secret" };
  expect(parse({ environment, readFile }).administrator?.secretKey).toBe(secret);
  expect(problemsOf({ environment })).toHaveLength(2);
  expect(problemsOf({ environment: { MAXIOFS_ADMIN_ACCESS_KEY: id } })[0]).toContain("belong together");
  expect(problemsOf({ environment: { ...environment, MAXIOFS_ADMIN_SECRET_KEY: secret }, readFile })[0]).toContain(
    "given twice",
  );
});

test("parseBootConfig: a secret is never told", () => {
  const inputs: Partial<BootInput>[] = [
    { flags: ["--admin-secret-key", secret] },
    { flags: [`--admin-secret-key=${secret}`] },
    { environment: { MAXIOFS_ADMIN_SECRET_KEY: `${secret} with blanks` } },
    { environment: { MAXIOFS_ROOT_KEY: secret } },
    { file: `root_key = "${secret}` },
    { file: `root_key = ["${secret}", 1]` },
  ];
  for (const input of inputs) {
    expect(problemsOf(input).length).toBeGreaterThan(0);
    expect(problemsOf(input).join()).not.toContain(secret);
  }
});

test("parseBootConfig: a file that is no TOML is told with the line, without its text", () => {
  expect(problemsOf({ file: "workers = 1\n[s3]\nlisten =\nregion = 'a'\n" })).toEqual([
    "The configuration file is no valid TOML from line 3 on",
  ]);
  expect(problemsOf({ file: `data = "x"\nroot_key = "${secret}\n` })[0]).toEndWith("from line 2 on");
  expect(problemsOf({ file: '{"workers": 1}' })).toEqual([
    "The configuration file is no valid TOML from line 1 on; it looks like JSON",
  ]);
});

test("parseBootConfig: a secret's file that cannot be read is told with the reason, without its name", () => {
  const environment = { MAXIOFS_ROOT_KEY_FILE: secret };
  expect(problemsOf({ environment })).toEqual([
    "Variable MAXIOFS_ROOT_KEY_FILE: the file it names cannot be read: it does not exist",
  ]);
});

test("parseBootConfig: the root key is 32 bytes", () => {
  expect(parse({ environment: { MAXIOFS_ROOT_KEY: rootKey } }).rootKey).toEqual(new Uint8Array(32).fill(7));
  expect(problemsOf({ environment: { MAXIOFS_ROOT_KEY: Buffer.alloc(31).toString("base64") } })).toHaveLength(1);
});

test("parseBootConfig: TLS needs both files", () => {
  expect(parse({ flags: ["--tls-cert", "c", "--tls-key", "k", "--s3-tls-listen", "h:1"] }).tls).toEqual({
    certPath: "c",
    keyPath: "k",
  });
  expect(problemsOf({ flags: ["--tls-cert", "c"] })).toHaveLength(1);
  expect(problemsOf({ flags: ["--s3-tls-listen", "h:1"] })).toHaveLength(1);
});

test("parseBootConfig: any text gives a configuration or a BootConfigError", () => {
  const part = fc.oneof(fc.string(), fc.constantFrom("--workers", "--s3-listen", "--data=", "1", "a:1", "="));
  fc.assert(fc.property(fc.array(part), fc.string(), (flags, file) => void problemsOf({ flags, file })));
});

test("findConfigPath: flag before variable", () => {
  const environment = { MAXIOFS_CONFIG: "/e" };
  expect(findConfigPath({ flags: [], environment: {} })).toBeUndefined();
  const [flag, variable] = ["Flag --config", "Variable MAXIOFS_CONFIG"];
  expect(findConfigPath({ flags: [], environment })).toEqual({ text: "/e", origin: variable });
  expect(findConfigPath({ flags: ["--config", "/f"], environment })).toEqual({ text: "/f", origin: flag });
  expect(findConfigPath({ flags: ["--config=/g"], environment })).toEqual({ text: "/g", origin: flag });
});

test("renderFlags: names each flag, and no flag that takes a secret", () => {
  const help = renderFlags();
  for (const flag of [
    "--data",
    "--s3-listen",
    "--console-listen",
    "--workers",
    "--root-key-file",
    "--history-window",
  ]) {
    expect(help).toContain(`${flag} `);
  }
  expect(help).not.toContain("--admin-secret-key ");
});

test("parseBootConfig: the first administrator's name and password; the password has no flag and is never shown", () => {
  const environment = { MAXIOFS_ADMIN_USER: "root@example", MAXIOFS_ADMIN_PASSWORD: "Correct-Horse-9" };
  expect(parse({ environment }).firstLogIn).toEqual({ userName: "root@example", password: "Correct-Horse-9" });
  expect(problemsOf({ flags: ["--admin-password", "x"] })).toHaveLength(1);
  const bad = { MAXIOFS_ADMIN_USER: "a b", MAXIOFS_ADMIN_PASSWORD: "two\nlines" };
  const problems = problemsOf({ environment: bad }).join();
  expect(problems).toContain('"a b" is not allowed');
  expect(problems).not.toContain("two");
});
