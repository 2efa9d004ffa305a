import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { BenchOptions } from "./bench-options.ts";
import { type LoadPlan, type LoadResult, type LoadWork, operationOf, parseLoadResult } from "./load/load-plan.ts";
import { benchCommand, MachineLimits } from "./machine-limits.ts";
import { benchRegion, MeasuredServer, type ServerOptions } from "./measured-server.ts";
import type { ReportRow } from "./report.ts";

/** Source: statfs(2), TMPFS_MAGIC */
const tmpfsMagic = 0x01021994;

/** A load without what every plan has in common. */
export interface LoadRequest {
  readonly bucket: string;
  readonly connections: number;
  readonly work: LoadWork;
  /** Default: half a second. */
  readonly warmupMs?: number;
  /** Default: 2 s in the short form, 10 s in the long one. */
  readonly durationMs?: number;
  /** Default: none. */
  readonly requestLimit?: number;
}

/** Where a load goes. */
export type LoadTarget = Pick<MeasuredServer, "host" | "port" | "pid" | "accessKey" | "secretKey">;

/** Credentials of a data folder. */
export type Credentials = Pick<MeasuredServer, "accessKey" | "secretKey">;

/** What every work needs: servers in fresh folders, the load generator, the machine's limits. Close it in any case. */
export class BenchContext {
  readonly options: BenchOptions;
  readonly root: string;
  /** Temporary, on the disk under test; removed by `close`. */
  readonly folder: string;
  readonly limits: MachineLimits;
  #serverCount = 0;

  /**
   * @param root folder of the repository
   * @throws Error when the work folder is in memory, for every rate of the disk would be wrong
   */
  constructor(options: BenchOptions, root: string) {
    this.options = options;
    this.root = root;
    mkdirSync(options.workFolder, { recursive: true });
    this.folder = mkdtempSync(join(resolve(options.workFolder), "run-"));
    if (statfsSync(this.folder).type === tmpfsMagic) {
      rmSync(this.folder, { recursive: true });
      throw new Error(`--dir ${options.workFolder} is in memory, wanted a folder on a disk`);
    }
    this.limits = new MachineLimits(this.folder, options.short);
  }

  /** Bytes free for data. */
  freeBytes(): number {
    const info = statfsSync(this.folder);
    return info.bavail * info.bsize;
  }

  /** A server runs for weeks, its first seconds say little: the engine compiles hot code while it is used. */
  get warmupMs(): number {
    return this.options.short ? 2_000 : 6_000;
  }

  /** Length of the timed part of a load. */
  get durationMs(): number {
    return this.options.short ? 2000 : 10_000;
  }

  /** Starts a server; by default on a new folder with new credentials. @throws Error when it does not start */
  async startServer(wanted: Partial<ServerOptions> = {}): Promise<MeasuredServer> {
    this.#serverCount += 1;
    const { binary, workers } = this.options;
    return MeasuredServer.start({
      command: binary === "" ? [process.execPath, "src/main.ts"] : [resolve(binary)],
      root: this.root,
      dataFolder: join(this.folder, `data-${this.#serverCount}`),
      logFile: join(this.folder, `server-${this.#serverCount}.log`),
      workers,
      ...newCredentials(),
      ...wanted,
    });
  }

  /** Runs `use` with a server and stops it afterwards; a folder made for it is removed. */
  async withServer<Value>(
    wanted: Partial<ServerOptions>,
    use: (server: MeasuredServer) => Promise<Value>,
  ): Promise<Value> {
    const server = await this.startServer(wanted);
    const dataFolder = join(this.folder, `data-${this.#serverCount}`);
    try {
      return await use(server);
    } finally {
      await server.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    }
  }

  /** Runs the load generator to its end. @throws Error when it fails to run at all */
  async runLoad(target: LoadTarget, request: LoadRequest): Promise<LoadResult> {
    const plan: LoadPlan = {
      host: target.host,
      port: target.port,
      accessKey: target.accessKey,
      secretKey: target.secretKey,
      region: benchRegion,
      serverPid: target.pid,
      bucket: request.bucket,
      connections: request.connections,
      warmupMs: request.warmupMs ?? 500,
      durationMs: request.durationMs ?? this.durationMs,
      requestLimit: request.requestLimit ?? 0,
      work: request.work,
    };
    const child = Bun.spawn([...benchCommand(this.root, "load/generate-load.ts")], {
      cwd: this.root,
      stdin: new Blob([JSON.stringify(plan)]),
      stdout: "pipe",
      stderr: "inherit",
    });
    const text = await new Response(child.stdout).text();
    const code = await child.exited;
    if (code !== 0) throw new Error(`Load generator ended with code ${code}`);
    return parseLoadResult(text);
  }

  /** Stores keys 0 to `keyCount` of the work's layout, not measured. @throws Error when any of them fails */
  async store(
    target: LoadTarget,
    bucket: string,
    keys: Pick<Extract<LoadWork, { kind: "put" }>, "layout" | "shape" | "keyCount">,
  ): Promise<void> {
    const connections = Math.min(keys.keyCount, keys.shape.sizeBytes > 1024 * 1024 ? 8 : 64);
    const work: LoadWork = { kind: "put", firstIndex: 0, batchCount: 16_384, ...keys };
    const result = await this.runLoad(target, { bucket, connections, work, warmupMs: 0, durationMs: 3_600_000 });
    const { count } = operationOf(result, "all");
    if (count !== keys.keyCount) {
      throw new Error(`Stored ${count} of ${keys.keyCount} keys in ${bucket}: ${result.errors.join("; ")}`);
    }
  }

  /** Removes the temporary folder. */
  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Random, for one run. */
export function newCredentials(): Credentials {
  return {
    accessKey: `BENCH${randomBytes(8).toString("hex").toUpperCase()}`,
    secretKey: randomBytes(20).toString("hex"),
  };
}

/** A row about one operation (or `all`) of a load; latency, processor time and errors come from the result. */
export function rowOf(
  result: LoadResult,
  operation: string,
  row: Pick<ReportRow, "work" | "unit" | "wanted" | "limit"> & { readonly measured?: number },
): ReportRow {
  const { count, p50Us, p99Us } = operationOf(result, operation);
  return {
    measured: result.seconds === 0 ? 0 : count / result.seconds,
    ...row,
    p50Us,
    p99Us,
    errorCount: result.errorCount,
    notes: result.errors,
    serverCores: result.seconds === 0 ? 0 : result.serverCpuSeconds / result.seconds,
    generatorCores: result.seconds === 0 ? 0 : result.generatorCpuSeconds / result.seconds,
    otherCores: result.seconds === 0 ? 0 : result.otherCpuSeconds / result.seconds,
  };
}

/** Object bytes per second of one operation, in MB/s (10^6). */
export function megabytesPerSecond(result: LoadResult, operation: string): number {
  return result.seconds === 0 ? 0 : operationOf(result, operation).bytes / result.seconds / 1e6;
}
