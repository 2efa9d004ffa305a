import { existsSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { join, resolve } from "node:path";
import { version } from "../package.json";
import type { Control } from "./control/control.ts";
import { readOpenFileLimit } from "./control/database/open-file-limit.ts";
import { readPemFile, readTextFile } from "./control/database/read-text-file.ts";
import { takeLines } from "./control/database/take-lines.ts";
import type { KeyCommand } from "./control/encryption/record-key-command.ts";
import { BucketUsages } from "./control/observe/bucket-usages.ts";
import { CatalogProblems } from "./control/observe/catalog-problems.ts";
import type { Log } from "./control/observe/log.ts";
import { logDefaults } from "./control/observe/log-style.ts";
import { requireWorkers } from "./control/observe/require-workers.ts";
import type { ControlOptions } from "./control/open-control.ts";
import type { Telemetry } from "./control/open-telemetry.ts";
import { reportFailure } from "./control/report-failure.ts";
import { openCatalogShare } from "./data/catalog/open-catalogs.ts";
import { connectionShare } from "./data/listener/server-limits.ts";
import type { WorkersOptions } from "./data/pool/data-workers.ts";
import type { Pool } from "./data/pool.ts";
import { systemClock } from "./kernel/base/clock.ts";
import { systemRandom } from "./kernel/base/random.ts";
import { requireRoom } from "./kernel/metrics/disk-state.ts";
import { takeFlag, takeSwitch, takeWord } from "./kernel/settings/arguments.ts";
import { type BootConfig, parseBootConfig } from "./kernel/settings/boot-config.ts";
import { BootConfigError } from "./kernel/settings/boot-config-error.ts";
import { findConfigPath } from "./kernel/settings/boot-values.ts";
import { findHelp } from "./kernel/settings/commands.ts";
import { parseCommand } from "./kernel/settings/parse-command.ts";
import { resolveSettings } from "./kernel/settings/settings.ts";

/** Exit codes. Source: sysexits.h. */
const exitCodes = { ok: 0, notDone: 1, notChecked: 2, usage: 64, noInput: 66, software: 70 } as const;

type Environment = Readonly<Record<string, string | undefined>>;

const [rootKeyFlag, rootKeyVariable] = ["--root-key-file", "MAXIOFS_ROOT_KEY"];

/** Until the stored settings are read the writer frees nothing: the longest window there is, ms. */
const longestWindowMs = 30 * 86_400_000;

/** The command line of the server. Never returns while the server runs. @returns the exit code */
async function main(words: readonly string[]): Promise<number> {
  // Whatever a library makes is for this user alone; the parts that make files ask for it by themselves as well.
  process.umask(0o077);
  const command = parseCommand(words);
  switch (command.name) {
    case "serve":
      return serve(command.words);
    case "check":
      return check(command.words);
    case "audit verify":
      return verifyAudit(command.words);
    case "admin":
    case "settings":
      return administer(command.name, command.words);
    case "policy check":
      return checkPolicy(command.words);
    case "keys export":
      return exportKeys(command.words);
    case "keys import":
      return importKeys(command.words);
    case "version":
      console.log(version);
      return exitCodes.ok;
    case "help":
      return help(command.words);
    case "unknown":
      return refuseUsage(command.words.join(" "));
  }
}

/** @param words a command, of which the first two words count; none for the list */
function help(words: readonly string[]): number {
  const text = findHelp(words);
  if (text === undefined) return refuseUsage(words.join(" "));
  console.log(text);
  return exitCodes.ok;
}

function refuseUsage(seen: string): number {
  console.error(`maxiofs: ${JSON.stringify(seen)} is no command; \`maxiofs help\` lists them`);
  return exitCodes.usage;
}

function readConfig(flags: readonly string[], environment: Environment = process.env): BootConfig {
  const path = findConfigPath({ flags, environment });
  const file = path && readTextFile(path.text);
  if (file && "problem" in file) {
    const { origin, text } = path;
    throw new BootConfigError([
      `${origin}: ${JSON.stringify(text)} cannot be read: ${file.problem}; must be a file in TOML`,
    ]);
  }
  const cpuCount = availableParallelism();
  return parseBootConfig({ flags, environment, readFile: readTextFile, cpuCount, ...(file && { file: file.text }) });
}

/** Runs the server until a signal ends the process. */
async function serve(flags: readonly string[]): Promise<number> {
  const config = readConfig(flags);
  // The framework asks once, when it is loaded: only then it does not render bodies into its messages.
  process.env["NODE_ENV"] = "production";
  const [{ openTelemetry }, { takeDataFolder }, { Pool }, { requireFreePorts }, { endOnSignals }, { openControl }] =
    await Promise.all([
      import("./control/open-telemetry.ts"),
      import("./control/database/take-data-folder.ts"),
      import("./data/pool.ts"),
      import("./data/pool/require-free-ports.ts"),
      import("./control/end-on-signals.ts"),
      import("./control/open-control.ts"),
    ]);
  const given = resolveSettings({ overrides: config.settings, stored: new Map(), defaults: logDefaults() });
  const { pid } = process;
  const sources = { clock: systemClock, random: systemRandom };
  const telemetry = openTelemetry({ settings: given, ...sources, version, hostName: hostname(), pid });
  const { log, traces } = telemetry;
  process.on("uncaughtException", (error) => endByBug(log, error));
  process.on("unhandledRejection", (error) => endByBug(log, error));
  const dataDir = resolve(config.dataDir);
  const lock = takeDataFolder({ dataDir, pid, uid: process.geteuid?.() ?? 0, log });
  // Before a first administrator is made: a start that fails afterwards would never show the key.
  await requireFreePorts([config.s3Listen, config.s3TlsListen, config.consoleListen]);
  const sinks = { problems: new CatalogProblems({ clock: systemClock, log }), usages: new BucketUsages() };
  const pool = new Pool({
    dataDir,
    workerUrl: new URL("./data/worker.ts", import.meta.url),
    writerUrl: new URL("./data/writer/writer.ts", import.meta.url),
    maxOpenCatalogs: openCatalogShare(readOpenFileLimit(), config.workers),
    writerSettings: { historyWindowMs: longestWindowMs, reserveBytes: 0 },
    monotonicMs: systemClock.monotonicMs,
    log: (level, message, fields) => log.write(level, message, sinks.problems.withName(fields)),
    writeAccess: log.writeLines,
    takeSpans: traces.take,
    ...sinks,
  });
  const [control] = await Promise.all([
    openControl(controlOptions({ config, dataDir, telemetry, pool, sinks })),
    pool.open(),
  ]);
  endOnSignals({
    drain: () => control.drain(),
    finish: async () => {
      await pool.stop();
      await control.close();
      lock.release();
      await telemetry.close();
    },
    endNow: () => pool.end(),
    log,
  });
  await startServing({ config, control, pool, telemetry });
  return new Promise(() => {});
}

/** The parts of a running server. */
interface Parts {
  readonly config: BootConfig;
  readonly control: Control;
  readonly pool: Pool;
  readonly telemetry: Telemetry;
}

async function startServing({ config, control, pool, telemetry }: Parts): Promise<void> {
  control.settings.follow((settings) => {
    telemetry.configure(settings);
    pool.configureWriter({
      historyWindowMs: settings["history.window"] * 1000,
      reserveBytes: settings["storage.reserve_bytes"],
    });
  });
  const [ports, consolePort] = await Promise.all([pool.startWorkers(workersOptions(config, control)), control.start()]);
  const { announceFirstAdministrator, renderUrl } = await import("./control/observe/announce.ts");
  const endpoint = renderUrl(config.s3Listen, ports.s3Port);
  const { s3TlsListen } = config;
  const url = renderUrl(config.consoleListen, consolePort);
  // Before anybody is told that the server is ready: whoever waits for that finds it.
  announceFirstAdministrator({ endpoint, url, key: control.firstAdministrator, logIn: await control.firstPassword });
  control.announceReady();
  telemetry.log.info("Ready", {
    s3: endpoint,
    ...(s3TlsListen && ports.tlsPort !== undefined && { s3Tls: renderUrl(s3TlsListen, ports.tlsPort, "https") }),
    console: url,
    workers: pool.health().upWorkerCount,
    startMs: Math.round(systemClock.monotonicMs()),
  });
}

function controlOptions(
  parts: Omit<Parts, "control"> & { dataDir: string; sinks: Pick<ControlOptions, "problems" | "usages"> },
): ControlOptions {
  const { config, dataDir, telemetry, pool, sinks } = parts;
  return {
    ...sinks,
    dataDir,
    version,
    consoleListen: config.consoleListen,
    s3Port: config.s3Listen.port,
    ...(config.administrator && { administrator: config.administrator }),
    firstLogIn: config.firstLogIn,
    ...(config.rootKey && { rootKey: config.rootKey }),
    settings: config.settings,
    settingDefaults: logDefaults(),
    clock: systemClock,
    random: systemRandom,
    log: telemetry.log,
    traces: telemetry.traces,
    catalogs: pool.catalogs,
    probes: [
      { name: "catalog", check: () => pool.probe() },
      { name: "workers", check: async () => requireWorkers(pool.health()) },
      { name: "space", check: async () => requireRoom(pool) },
    ],
    metricsSource: pool,
    registerMetrics: async (registry, metrics) => {
      const { registerPoolMetrics } = await import("./control/observe/pool-metrics.ts");
      registerPoolMetrics(registry, pool, metrics);
    },
    endSilentWorker: (channel) => pool.endWorker(channel, "It did not take over a change in time"),
  };
}

function workersOptions(config: BootConfig, control: Control): WorkersOptions {
  const { s3Listen, s3TlsListen, tls, idleTimeoutSeconds } = config;
  return {
    workerCount: config.workers,
    listen: {
      ...{ node: hostname(), s3Host: s3Listen.host, s3Port: s3Listen.port },
      ...(s3TlsListen &&
        tls && { tls: { ...s3TlsListen, cert: readPemFile(tls.certPath), key: readPemFile(tls.keyPath) } }),
      idleTimeoutSeconds,
      maxOpenCatalogs: openCatalogShare(readOpenFileLimit(), config.workers),
      maxConnections: connectionShare(readOpenFileLimit(), config.workers * (s3TlsListen ? 2 : 1)),
    },
    keys: control.keys,
    link: {
      attach: (life) => control.publisher.attach(life),
      detach: (life) => control.publisher.detach(life),
      receive: (life, message) => void control.calls.receive(life, message),
    },
  };
}

function endByBug(log: Log, error: unknown): void {
  log.error("The control thread failed", {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  process.exit(exitCodes.software);
}

/** Every way not to come to a result is code 2, so that a script can tell it from damage. */
async function check(words: readonly string[]): Promise<number> {
  try {
    return await checkFolder(words);
  } catch (error) {
    reportFailure(error, console.error);
    return exitCodes.notChecked;
  }
}

async function checkFolder(words: readonly string[]): Promise<number> {
  const wanted = takeWord(words);
  const { rootKey, ...config } = readConfig(wanted.rest);
  const dataDir = resolve(config.dataDir);
  const { requireDataFolder } = await import("./control/database/take-data-folder.ts");
  const { readFolderState } = await import("./control/read-folder-state.ts");
  const { checkDataFolder } = await import("./data/check/check-data-folder.ts");
  const { checkExitCode, describeCheck } = await import("./data/check/describe-check.ts");
  const { nodeDisk } = await import("./data/blobs/disk.ts");
  const { findBucket } = await import("./data/check/find-bucket.ts");
  requireDataFolder(dataDir);
  if (!existsSync(join(dataDir, "control.db")) && !existsSync(join(dataDir, "buckets")))
    return refuseFolder(dataDir, exitCodes.notChecked);
  const state = await readFolderState({ dataDir, rootKey, random: systemRandom });
  const { bucketNames, keys, server } = state;
  const bucketId = wanted.value === undefined ? undefined : findBucket({ dataDir, bucketNames }, wanted.value);
  if (wanted.value !== undefined && bucketId === undefined) {
    console.error(`maxiofs: there is no bucket ${JSON.stringify(wanted.value)}`);
    return exitCodes.notChecked;
  }
  if (server !== undefined)
    console.log(`Process ${server} serves the folder: each bucket is read as it is at one moment`);
  for (const sentence of state.damage) console.log(`corrupt: ${sentence}`);
  for (const sentence of state.unavailable) console.log(`unreadable: ${sentence}`);
  const result = await checkDataFolder({
    ...{ dataDir, keys, bucketNames, isServed: server !== undefined, disk: nodeDisk, clock: systemClock },
    ...(bucketId !== undefined && { bucketId }),
    report: (line) => console.log(line),
  });
  console.log(describeCheck(result, state));
  return checkExitCode(result, state);
}

async function verifyAudit(words: readonly string[]): Promise<number> {
  const { value: exportPath, rest } = takeWord(words);
  const dataDir = resolve(readConfig(rest).dataDir);
  const { verifyAudit: verify } = await import("./control/audit/verify-command.ts");
  return verify({ dataDir, report: (line) => console.log(line), ...(exportPath !== undefined && { exportPath }) });
}

async function administer(name: "admin" | "settings", words: readonly string[]): Promise<number> {
  const { runAdmin } = await import("./control/session/admin-command-line.ts");
  const { runSettings } = await import("./control/settings/settings-command-line.ts");
  const { isDone, lines } = await (name === "admin" ? runAdmin : runSettings)(words, {
    readPlace: (flags) => {
      const { dataDir, settings, rootKey } = readConfig(flags);
      return { dataDir: resolve(dataDir), settings, settingDefaults: logDefaults(), rootKey };
    },
    readLine: async () => (await readLines(1))[0] ?? "",
    ...folderUser(),
  });
  for (const line of lines) (isDone ? console.log : console.error)(line);
  return isDone ? exitCodes.ok : exitCodes.notDone;
}

/** This process, as commands on a data folder take it. */
function folderUser() {
  const log = { warn: (message: string) => console.error(`maxiofs: ${message}`) };
  return { pid: process.pid, uid: process.geteuid?.() ?? 0, clock: systemClock, random: systemRandom, log };
}

async function checkPolicy(words: readonly string[]): Promise<number> {
  const { checkPolicyFile } = await import("./control/iam/policies/check-command.ts");
  const readInput = async () => ({ text: await Bun.stdin.text() });
  const { exitCode, lines } = await checkPolicyFile(words, (path) => (path === "-" ? readInput() : readTextFile(path)));
  for (const line of lines) (exitCode === exitCodes.notChecked ? console.error : console.log)(line);
  return exitCode;
}

async function exportKeys(flags: readonly string[]): Promise<number> {
  const config = readConfig(flags);
  const dataDir = resolve(config.dataDir);
  const { exportKeys: write } = await import("./control/encryption/export-keys.ts");
  const { requireDataFolder } = await import("./control/database/take-data-folder.ts");
  requireDataFolder(dataDir);
  const readPassphrase = async () => (await readLines(1))[0] ?? "";
  const written = await write({ dataDir, given: config.rootKey, random: systemRandom }, readPassphrase);
  if (written === undefined) return refuseFolder(dataDir, exitCodes.noInput);
  await recordKeys({ verb: "export", rootKeyId: written.rootKeyId }, { ...config, dataDir });
  console.log(written.bundle);
  return exitCodes.ok;
}

async function recordKeys(command: KeyCommand, { dataDir, settings }: BootConfig): Promise<void> {
  const { recordKeyCommand } = await import("./control/encryption/record-key-command.ts");
  const lines = await recordKeyCommand(command, { dataDir, settings, ...folderUser() });
  for (const line of lines) console.error(line);
}

async function importKeys(words: readonly string[]): Promise<number> {
  const replace = takeSwitch(words, "--replace");
  const file = takeFlag(replace.rest, rootKeyFlag);
  const bundle = takeWord(file.rest);
  if (bundle.value === undefined) return refuseUsage("keys import without the name of a recovery bundle");
  // The root key of the configuration may be the very one that is lost.
  const { [rootKeyVariable]: given, [`${rootKeyVariable}_FILE`]: givenFile, ...environment } = process.env;
  const config = readConfig(bundle.rest, environment);
  const dataDir = resolve(config.dataDir);
  const keyPath = file.value ?? givenFile;
  const { importKeys: put } = await import("./control/encryption/import-keys.ts");
  const { describeKeyImport } = await import("./control/encryption/describe-key-import.ts");
  const { openRecoveryBundle } = await import("./control/encryption/recovery-bundle.ts");
  const { tryKeys } = await import("./data/check/try-keys.ts");
  const { requireDataFolder } = await import("./control/database/take-data-folder.ts");
  requireDataFolder(dataDir);
  const isFile = bundle.value !== "-";
  const found = isFile ? readTextFile(bundle.value) : undefined;
  if (found && "problem" in found) {
    console.error(`maxiofs: ${bundle.value} cannot be read: ${found.problem}; a recovery bundle is wanted`);
    return exitCodes.noInput;
  }
  const [passphrase = "", ...lines] = await readLines(isFile ? 1 : Number.POSITIVE_INFINITY);
  const result = await put({
    ...{ dataDir, mayReplace: replace.value !== undefined, random: systemRandom },
    found: await openRecoveryBundle(found?.text ?? lines.join("\n"), passphrase),
    ...(keyPath !== undefined && { keyPath: resolve(keyPath) }),
    tryKeys: (keys) => tryKeys(dataDir, keys),
  });
  console.log(describeKeyImport(result));
  await recordKeys({ verb: "import", rootKeyId: result.rootKeyId }, { ...config, dataDir });
  if (given !== undefined)
    console.log(`${rootKeyVariable} is set and wins over the file: take it away, or give it this key`);
  return exitCodes.ok;
}

/** The first lines of standard input, `count` at most; the first is a passphrase. */
async function readLines(count: number): Promise<readonly string[]> {
  if (process.stdin.isTTY) console.error("Passphrase, 12 characters at least (it is shown while you type):");
  return takeLines(console, count);
}

function refuseFolder(dataDir: string, exitCode: number): number {
  console.error(`maxiofs: ${dataDir} is no data folder: there is no control.db in it`);
  return exitCode;
}

if (import.meta.main)
  process.exit(await main(process.argv.slice(2)).catch((error) => reportFailure(error, console.error)));
