import { existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { systemClock } from "#kernel/base/clock.ts";
import { systemRandom } from "#kernel/base/random.ts";
import { errorCodeLabels, operationLabels, slotLayout } from "#kernel/metrics/operation-index.ts";
import { BootConfigError } from "#kernel/settings/boot-config-error.ts";
import { type BootConfig, parseBootConfig, renderBootHelp } from "#kernel/settings/boot-config.ts";
import { findConfigPath } from "#kernel/settings/boot-values.ts";
import type { Control } from "#control/control.ts";
import { type DataFolderLock, DataFolderInUseError, lockDataFolder } from "#control/database/lock-data-folder.ts";
import { createLog, type Log } from "#control/observe/log.ts";
import { openControl } from "#control/open-control.ts";
import { StartRefusedError } from "#control/start-refused-error.ts";
import { nodeDisk } from "#data/blobs/disk.ts";
import { checkDataFolder } from "#data/check/check-data-folder.ts";
import { PoolStartError } from "#data/pool/pool-start-error.ts";
import { openPool, type Pool } from "#data/pool.ts";
import { version } from "../package.json";

const usage = `MaxIOFS ${version}: S3-compatible object storage

  maxiofs serve [options]            serve S3 and the control API
  maxiofs check [options] [BUCKET]   verify every tag and reference of a stopped server's data; changes nothing
  maxiofs keys export [options]      print the keys, sealed with the passphrase of MAXIOFS_PASSPHRASE
  maxiofs version
  maxiofs help

Options, over MAXIOFS_* variables, over maxiofs.toml:
`;

const exitCodes = { findings: 1, usage: 64, software: 70, cannotCreate: 73, config: 78 } as const;

/** Held until the process ends: collecting them would give the folders away. */
const heldLocks: DataFolderLock[] = [];

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

function readConfig(flags: readonly string[]): BootConfig {
  const environment = process.env;
  const source = { flags: [...flags], environment };
  const path = findConfigPath(source);
  const file = path === undefined || !existsSync(path) ? undefined : readFileSync(path, "utf8");
  return parseBootConfig({
    ...source,
    readFile: (name: string) => readFileSync(name, "utf8"),
    cpuCount: availableParallelism(),
    ...(file === undefined ? {} : { file }),
  });
}

async function serve(flags: readonly string[]): Promise<void> {
  const config = readConfig(flags);
  const dataDir = resolve(config.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  heldLocks.push(lockDataFolder(dataDir, process.pid));
  const log = createLog({ level: config.logLevel, format: chooseFormat(config), clock: systemClock });
  process.on("uncaughtException", (error) => {
    log.error("Unexpected error in the control thread", { error: error.stack ?? error.message });
    process.exit(exitCodes.software);
  });
  let pool: Pool | undefined;
  const requirePool = (): Pool => {
    if (!pool) throw new Error("The data plane is not started");
    return pool;
  };
  const control = await openControl(controlOptions({ config, dataDir, log, requirePool }));
  const { settings } = control.publisher;
  pool = await openPool({
    dataDir,
    workerUrl: new URL("./data/worker.ts", import.meta.url),
    writerUrl: new URL("./data/writer/writer.ts", import.meta.url),
    writerSettings: { historyWindowMs: settings["history.window"] * 1000, reserveBytes: settings["storage.reserve_bytes"] },
    monotonicMs: () => systemClock.monotonicMs(),
    log: (level, message, fields) => log.write(level, message, fields),
  });
  const consolePort = await control.start();
  const ports = await startWorkers(pool, control, config);
  announce({ config, dataDir, control, consolePort, ports });
  stopOnSignals(pool, control, log);
}

function controlOptions(parts: { config: BootConfig; dataDir: string; log: Log; requirePool: () => Pool }): Parameters<typeof openControl>[0] {
  const { config, dataDir, log, requirePool } = parts;
  return {
    dataDir,
    version,
    consoleListen: config.consoleListen,
    settings: config.settings,
    clock: systemClock,
    random: systemRandom,
    log,
    catalogs: {
      create: (bucketId) => requirePool().catalogs.create(bucketId),
      close: (bucketId) => requirePool().catalogs.close(bucketId),
      remove: (bucketId) => requirePool().catalogs.remove(bucketId),
    },
    probes: [
      { name: "catalog", check: () => requirePool().probe() },
      { name: "workers", check: async () => requireWorkers(requirePool()) },
      { name: "space", check: async () => requireSpace(dataDir) },
    ],
    registerMetrics: async (registry) => {
      const { registerSlotMetrics } = await import("#control/observe/metrics-collector.ts");
      registerSlotMetrics(registry, { source: requirePool(), layout: slotLayout, operations: operationLabels, errorCodes: errorCodeLabels });
    },
    endSilentWorker: (channel) => requirePool().endWorker(channel as Parameters<Pool["endWorker"]>[0], "It does not take the newest state"),
    ...(config.administrator ? { administrator: config.administrator } : {}),
    ...(config.rootKey ? { rootKey: config.rootKey } : {}),
  };
}

function requireWorkers(pool: Pool): void {
  const { upWorkerCount, workerCount, isWriterUp } = pool.health();
  if (!isWriterUp || upWorkerCount < workerCount) throw new Error(`${upWorkerCount} of ${workerCount} workers and ${isWriterUp ? "the" : "no"} writer are up`);
}

function requireSpace(dataDir: string): void {
  const { bavail, bsize } = statfsSync(dataDir);
  if (bavail * bsize === 0) throw new Error("The disk of the data folder is full");
}

function startWorkers(pool: Pool, control: Control, config: BootConfig): ReturnType<Pool["startWorkers"]> {
  const { tls, s3TlsListen } = config;
  const secure = tls && s3TlsListen && { ...s3TlsListen, cert: readFileSync(tls.certPath, "utf8"), key: readFileSync(tls.keyPath, "utf8") };
  return pool.startWorkers({
    workerCount: config.workers,
    keys: control.keys,
    listen: {
      s3Host: config.s3Listen.host,
      s3Port: config.s3Listen.port,
      idleTimeoutSeconds: config.idleTimeoutSeconds,
      ...(secure ? { tls: secure } : {}),
    },
    link: {
      attach: (life) => control.publisher.attach(life),
      detach: (life) => control.publisher.detach(life),
      receive: (life, message) => void control.calls.receive(life, message),
    },
  });
}

function announce(started: { config: BootConfig; dataDir: string; control: Control; consolePort: number; ports: { s3Port: number; tlsPort?: number } }): void {
  const { config, dataDir, control, consolePort, ports } = started;
  print(`MaxIOFS ${version}`);
  print(`  S3       http://${config.s3Listen.host}:${ports.s3Port}`);
  if (ports.tlsPort !== undefined) print(`  S3 TLS   https://${config.s3TlsListen?.host ?? config.s3Listen.host}:${ports.tlsPort}`);
  print(`  Console  http://${config.consoleListen.host}:${consolePort}`);
  print(`  Data     ${dataDir}`);
  const first = control.firstAdministrator;
  if (!first) return;
  if (!first.generated) return print(`  The first administrator's key is ${first.accessKeyId}, as given`);
  print("\n  The first administrator's credentials, shown this once:");
  print(`  Access key  ${first.accessKeyId}`);
  print(`  Secret key  ${first.secretKey}\n`);
}

function stopOnSignals(pool: Pool, control: Control, log: Log): void {
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) {
      log.warn("Stopping now", { signal });
      process.exit(0);
    }
    stopping = true;
    log.info("Stopping: finishing what runs, a second signal stops at once", { signal });
    control.drain();
    void pool
      .stop()
      .then(() => control.close())
      .then(() => process.exit(0));
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
}

async function check(words: readonly string[]): Promise<number> {
  const bucket = words.at(-1);
  const flags = bucket !== undefined && isName(words) ? words.slice(0, -1) : words;
  const config = readConfig(flags);
  const dataDir = resolve(config.dataDir);
  heldLocks.push(lockDataFolder(dataDir, process.pid));
  const control = await openOffline(config, dataDir);
  const bucketId = flags.length < words.length ? findBucketId(control, bucket ?? "") : undefined;
  const { problems } = await checkDataFolder({ dataDir, disk: nodeDisk, clock: systemClock, keys: control.keys, report: print, ...(bucketId === undefined ? {} : { bucketId }) });
  await control.close();
  return problems === 0 ? 0 : exitCodes.findings;
}

/** The last word is a name when it is no flag and does not belong to the flag before it. */
function isName(words: readonly string[]): boolean {
  const last = words.at(-1) ?? "";
  const before = words.at(-2) ?? "";
  return !last.startsWith("-") && (!before.startsWith("--") || before.includes("="));
}

function findBucketId(control: Control, name: string): string {
  const bucket = [...control.publisher.buckets.values()].find((each) => each.name === name);
  if (!bucket) throw new StartRefusedError(`There is no bucket named ${name}`);
  return bucket.bucketId;
}

async function exportKeys(flags: readonly string[]): Promise<number> {
  const passphrase = process.env.MAXIOFS_PASSPHRASE;
  if (passphrase === undefined) {
    complain("Set MAXIOFS_PASSPHRASE to the passphrase that shall protect the bundle (12 characters at least)");
    return exitCodes.usage;
  }
  const config = readConfig(flags);
  const dataDir = resolve(config.dataDir);
  const control = await openOffline(config, dataDir);
  print(await control.exportKeys(passphrase));
  await control.close();
  return 0;
}

function openOffline(config: BootConfig, dataDir: string): Promise<Control> {
  if (!existsSync(dataDir)) throw new StartRefusedError(`There is no data folder ${dataDir}`);
  const requirePool = (): Pool => {
    throw new Error("The server is not running");
  };
  const log = createLog({ level: "warn", format: "text", clock: systemClock, output: (line) => void process.stderr.write(line) });
  return openControl(controlOptions({ config, dataDir, log, requirePool }));
}

function chooseFormat(config: BootConfig): "json" | "text" {
  if (config.logFormat !== "auto") return config.logFormat;
  return process.stdout.isTTY ? "text" : "json";
}

async function run(words: readonly string[]): Promise<number | undefined> {
  const [verb, ...rest] = words;
  switch (verb) {
    case "serve":
      await serve(rest);
      return undefined;
    case "check":
      return check(rest);
    case "keys":
      if (rest[0] === "export") return exportKeys(rest.slice(1));
      break;
    case "version":
      print(version);
      return 0;
    case "help":
    case "--help":
    case undefined:
      print(usage + renderBootHelp());
      return verb === undefined ? exitCodes.usage : 0;
  }
  complain(`Unknown command: ${words.slice(0, 2).join(" ")}\n\n${usage}`);
  return exitCodes.usage;
}

function explain(error: unknown): number {
  if (error instanceof BootConfigError || error instanceof StartRefusedError || error instanceof DataFolderInUseError) {
    complain(error.message);
    return error.exitCode;
  }
  if (error instanceof PoolStartError) {
    complain(error.message);
    return exitCodes.cannotCreate;
  }
  complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return exitCodes.software;
}

if (import.meta.main) {
  const code = await run(process.argv.slice(2)).catch(explain);
  if (code !== undefined) process.exit(code);
}
