import { existsSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { version } from "../package.json";
import type { Control } from "./control/control.ts";
import { CatalogProblems } from "./control/observe/catalog-problems.ts";
import type { Log } from "./control/observe/log.ts";
import type { ControlOptions } from "./control/open-control.ts";
import { connectionShare } from "./data/listener/server-limits.ts";
import type { WorkersOptions } from "./data/pool/data-workers.ts";
import type { Pool } from "./data/pool.ts";
import { systemClock } from "./kernel/base/clock.ts";
import { systemRandom } from "./kernel/base/random.ts";
import { requireRoom } from "./kernel/metrics/disk-state.ts";
import { type BootConfig, parseBootConfig } from "./kernel/settings/boot-config.ts";
import { BootConfigError } from "./kernel/settings/boot-config-error.ts";
import { findConfigPath } from "./kernel/settings/boot-values.ts";
import { renderCommandHelp, renderCommandList } from "./kernel/settings/commands.ts";
import { describeFileError, type FileText } from "./kernel/settings/file-text.ts";

/** Exit codes. Source: sysexits.h. */
const exitCodes = { ok: 0, problemsFound: 1, usage: 64, noInput: 66, software: 70, osError: 71 } as const;

const helpFlags = ["--help", "-h"];

/** Until the stored settings are read the writer frees nothing: the longest window there is, ms. */
const longestWindowMs = 30 * 86_400_000;

/** The command line of the server. Never returns while the server runs. @returns the exit code */
async function main(words: readonly string[]): Promise<number> {
  // Whatever a library makes is for this user alone; the parts that make files ask for it by themselves as well.
  process.umask(0o077);
  const [verb = "help", ...rest] = words;
  if (rest.some((word) => helpFlags.includes(word))) return help(words.filter((word) => !word.startsWith("-")));
  switch (verb) {
    case "serve":
      return serve(rest);
    case "check":
      return check(rest);
    case "keys":
      if (rest[0] === "export") return exportKeys(rest.slice(1));
      return refuseUsage(rest[0] === undefined ? "keys" : `keys ${rest[0]}`);
    case "version":
    case "--version":
      console.log(version);
      return exitCodes.ok;
    case "help":
    case "--help":
    case "-h":
      return help(rest);
    default:
      return refuseUsage(verb);
  }
}

/** @param words a command, of which the first two words count; none for the list */
function help(words: readonly string[]): number {
  if (words.length === 0) {
    console.log(renderCommandList());
    return exitCodes.ok;
  }
  const text = renderCommandHelp(words.slice(0, 2).join(" ")) ?? renderCommandHelp(words[0] ?? "");
  if (text === undefined && words[0] === "keys") return help([]);
  if (text === undefined) return refuseUsage(words.join(" "));
  console.log(text);
  return exitCodes.ok;
}

function refuseUsage(seen: string): number {
  console.error(`maxiofs: ${JSON.stringify(seen)} is no command; \`maxiofs help\` lists them`);
  return exitCodes.usage;
}

function readConfig(flags: readonly string[]): BootConfig {
  const environment = process.env;
  const path = findConfigPath({ flags, environment });
  const file = path && readText(path.text);
  if (file && "problem" in file) {
    const { origin, text } = path;
    throw new BootConfigError([
      `${origin}: ${JSON.stringify(text)} cannot be read: ${file.problem}; must be a file in TOML`,
    ]);
  }
  const cpuCount = availableParallelism();
  return parseBootConfig({ flags, environment, readFile: readText, cpuCount, ...(file && { file: file.text }) });
}

function readText(path: string): FileText {
  try {
    return { text: readFileSync(path, "utf8").slice(0, 65_537) };
  } catch (error) {
    return { problem: describeFileError(error) };
  }
}

/** Runs the server until a signal ends the process. */
async function serve(flags: readonly string[]): Promise<number> {
  const config = readConfig(flags);
  const [{ createLog }, { takeDataFolder }, { Pool }, { endOnSignals }, { openControl }] = await Promise.all([
    import("./control/observe/log.ts"),
    import("./control/database/take-data-folder.ts"),
    import("./data/pool.ts"),
    import("./control/end-on-signals.ts"),
    import("./control/open-control.ts"),
  ]);
  const isText = config.logFormat === "text" || (config.logFormat === "auto" && process.stdout.isTTY);
  const log = createLog({ level: config.logLevel, format: isText ? "text" : "json", clock: systemClock });
  process.on("uncaughtException", (error) => endByBug(log, error));
  process.on("unhandledRejection", (error) => endByBug(log, error));
  const dataDir = resolve(config.dataDir);
  const lock = takeDataFolder({ dataDir, pid: process.pid, uid: process.geteuid?.() ?? 0, log });
  // Before a first administrator is made: a start that fails afterwards would never show the key.
  await requireFreePorts(config);
  const problems = new CatalogProblems({ clock: systemClock, log });
  const pool = new Pool({
    dataDir,
    workerUrl: new URL("./data/worker.ts", import.meta.url),
    writerUrl: new URL("./data/writer/writer.ts", import.meta.url),
    writerSettings: { historyWindowMs: longestWindowMs, reserveBytes: 0 },
    monotonicMs: systemClock.monotonicMs,
    log: log.write,
    problems,
  });
  const [control] = await Promise.all([
    openControl(controlOptions({ config, dataDir, log, pool, problems })),
    pool.open(),
  ]);
  endOnSignals({
    drain: () => control.drain(),
    finish: async () => {
      await pool.stop();
      await control.close();
      lock.release();
    },
    endNow: () => pool.end(),
    log,
  });
  await startServing({ config, control, pool, log });
  return new Promise(() => {});
}

/** @throws PoolStartError naming the address that somebody else has. */
async function requireFreePorts(config: BootConfig): Promise<void> {
  const [{ assertPortFree }, { PoolStartError }] = await Promise.all([
    import("./data/listener/shared-port.ts"),
    import("./data/pool/pool-start-error.ts"),
  ]);
  for (const listen of [config.s3Listen, config.s3TlsListen, config.consoleListen]) {
    if (!listen) continue;
    await assertPortFree(listen).catch((error: Error) => {
      throw new PoolStartError(`Cannot listen on ${listen.host}:${listen.port}: ${error.message}`);
    });
  }
}

/** The parts of a running server. */
interface Parts {
  readonly config: BootConfig;
  readonly control: Control;
  readonly pool: Pool;
  readonly log: Log;
}

async function startServing({ config, control, pool, log }: Parts): Promise<void> {
  const { settings } = control.publisher;
  pool.configureWriter({
    historyWindowMs: settings["history.window"] * 1000,
    reserveBytes: settings["storage.reserve_bytes"],
  });
  const [ports, consolePort] = await Promise.all([pool.startWorkers(workersOptions(config, control)), control.start()]);
  control.announceReady();
  const { announceCredentials, renderUrl } = await import("./control/observe/announce.ts");
  const endpoint = renderUrl(config.s3Listen, ports.s3Port);
  const { s3TlsListen } = config;
  log.info("Ready", {
    s3: endpoint,
    ...(s3TlsListen && ports.tlsPort !== undefined && { s3Tls: renderUrl(s3TlsListen, ports.tlsPort, "https") }),
    console: renderUrl(config.consoleListen, consolePort),
    workers: pool.health().upWorkerCount,
    startMs: Math.round(systemClock.monotonicMs()),
  });
  if (control.firstAdministrator?.generated) announceCredentials({ endpoint, ...control.firstAdministrator });
}

function controlOptions({
  config,
  dataDir,
  log,
  pool,
  problems,
}: Omit<Parts, "control"> & { readonly dataDir: string; readonly problems: CatalogProblems }): ControlOptions {
  return {
    problems,
    dataDir,
    version,
    consoleListen: config.consoleListen,
    ...(config.administrator && { administrator: config.administrator }),
    ...(config.rootKey && { rootKey: config.rootKey }),
    settings: config.settings,
    clock: systemClock,
    random: systemRandom,
    log,
    catalogs: pool.catalogs,
    probes: [
      { name: "catalog", check: () => pool.probe() },
      { name: "workers", check: () => checkWorkers(pool) },
      { name: "space", check: async () => requireRoom(pool) },
    ],
    registerMetrics: async (registry) => {
      const [{ registerSlotMetrics }, { errorCodeLabels, operationLabels, slotLayout }] = await Promise.all([
        import("./control/observe/metrics-collector.ts"),
        import("./kernel/metrics/operation-index.ts"),
      ]);
      const names = { operations: operationLabels, errorCodes: errorCodeLabels };
      registerSlotMetrics(registry, { source: pool, layout: slotLayout, ...names });
    },
    endSilentWorker: (channel) => pool.endWorker(channel, "It did not take over a change in time"),
  };
}

function workersOptions(config: BootConfig, control: Control): WorkersOptions {
  const { s3Listen, s3TlsListen, tls, idleTimeoutSeconds } = config;
  return {
    workerCount: config.workers,
    listen: {
      s3Host: s3Listen.host,
      s3Port: s3Listen.port,
      ...(s3TlsListen && tls && { tls: { ...s3TlsListen, cert: readPem(tls.certPath), key: readPem(tls.keyPath) } }),
      idleTimeoutSeconds,
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

/** Files this process may open: `RLIMIT_NOFILE` as Linux shows it; elsewhere a cautious guess. */
function readOpenFileLimit(): number {
  const text = existsSync("/proc/self/limits") ? readFileSync("/proc/self/limits", "utf8") : "";
  const [, limit] = /^Max open files\s+(\d+)/m.exec(text) ?? [];
  return limit === undefined ? 4096 : Number(limit);
}

function readPem(path: string): string {
  const found = readText(path);
  if ("problem" in found) throw new BootConfigError([`${path} cannot be read: ${found.problem}`]);
  return found.text;
}

async function checkWorkers(pool: Pool): Promise<void> {
  const { upWorkerCount, workerCount } = pool.health();
  if (upWorkerCount === 0) throw new Error(`None of ${workerCount} data workers listens`);
}

function endByBug(log: Log, error: unknown): void {
  log.error("The control thread failed", {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  process.exit(exitCodes.software);
}

/** Opens the control state of a folder that exists, beside a running server or without one; nothing is started. */
async function openOffline(flags: readonly string[]): Promise<{ control: Control; dataDir: string } | undefined> {
  const config = readConfig(flags);
  const dataDir = resolve(config.dataDir);
  if (!isThere(join(dataDir, "control.db"))) {
    console.error(`maxiofs: ${dataDir} is no data folder: there is no control.db in it`);
    return undefined;
  }
  const [{ createLog }, { openControl }] = await Promise.all([
    import("./control/observe/log.ts"),
    import("./control/open-control.ts"),
  ]);
  const log = createLog({ level: "warn", format: "text", clock: systemClock, output: (line) => console.error(line) });
  const refuse = () => Promise.reject(new Error("There is no catalog writer beside the server"));
  const control = await openControl({
    dataDir,
    version,
    consoleListen: config.consoleListen,
    ...(config.rootKey && { rootKey: config.rootKey }),
    settings: config.settings,
    clock: systemClock,
    random: systemRandom,
    log,
    catalogs: { create: refuse, close: refuse, remove: refuse },
    probes: [],
    registerMetrics: () => {},
    endSilentWorker: async () => {},
  });
  return { control, dataDir };
}

/** Whether there is a file. @throws the error of the system when that cannot be told, such as EACCES */
function isThere(path: string): boolean {
  try {
    return statSync(path) !== undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

async function check(words: readonly string[]): Promise<number> {
  const bucketAt = words.findIndex((word, index) => !word.startsWith("--") && !isValue(words[index - 1]));
  const opened = await openOffline(words.filter((_, index) => index !== bucketAt));
  if (!opened) return exitCodes.noInput;
  const { control, dataDir } = opened;
  const bucket = [...control.publisher.buckets.values()].find(({ name }) => name === words[bucketAt]);
  if (bucketAt >= 0 && !bucket) {
    console.error(`maxiofs: there is no bucket ${JSON.stringify(words[bucketAt])}`);
    return exitCodes.noInput;
  }
  const [{ checkDataFolder }, { nodeDisk }] = await Promise.all([
    import("./data/check/check-data-folder.ts"),
    import("./data/blobs/disk.ts"),
  ]);
  const { keys } = control;
  const report = (line: string) => console.log(line);
  const { problems } = await checkDataFolder({
    ...{ dataDir, keys, disk: nodeDisk, clock: systemClock, report },
    ...(bucket && { bucketId: bucket.bucketId }),
  });
  await control.close();
  console.log(problems === 0 ? "No problem found" : `${problems} problems found`);
  return problems === 0 ? exitCodes.ok : exitCodes.problemsFound;
}

/** Whether the word after `word` is the value of a flag. */
function isValue(word: string | undefined): boolean {
  return word?.startsWith("--") === true && !word.includes("=");
}

async function exportKeys(flags: readonly string[]): Promise<number> {
  const opened = await openOffline(flags);
  if (!opened) return exitCodes.noInput;
  if (process.stdin.isTTY) console.error("Passphrase, 12 characters at least (it is shown while you type):");
  let passphrase = "";
  for await (const line of console) {
    passphrase = line;
    break;
  }
  console.log(await opened.control.exportKeys(passphrase));
  await opened.control.close();
  return exitCodes.ok;
}

/** The code an error asks for; what has none is a bug. */
function explain(error: unknown): number {
  const isExpected = error instanceof Error && "exitCode" in error && typeof error.exitCode === "number";
  if (isExpected) {
    console.error(`maxiofs: ${error.message}`);
    return Number(error.exitCode);
  }
  const isOs = error instanceof Error && "code" in error && typeof error.code === "string";
  console.error(isOs ? `maxiofs: ${error.message}` : error);
  return isOs ? exitCodes.osError : exitCodes.software;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)).catch(explain));
