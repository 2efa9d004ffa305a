import { MessageChannel } from "node:worker_threads";
import type { MetricsSource, ThreadMetrics } from "#kernel/metrics/metrics-source.ts";
import type { BucketUsageSink } from "#kernel/protocol/bucket-usage.ts";
import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import type { BucketOwner, Usage } from "#kernel/protocol/quota.ts";
import type { TakeSpans } from "#kernel/trace/span.ts";
import { createChangeTable } from "./cache/change-slots.ts";
import { DataWorkers, type DrainTimes, type Ports, type WorkersOptions } from "./pool/data-workers.ts";
import type { PoolLog } from "./pool/supervised-thread.ts";
import { type WriterSettings, WriterSupervisor } from "./pool/writer-supervisor.ts";
import { createUsageTable } from "./quota/usage-table.ts";

/** What the pool is made of. */
export interface PoolOptions {
  /** Absolute path of a folder that exists. */
  readonly dataDir: string;
  /** Entry of a data worker. Only `main.ts` can name it so that it is found from source and in a binary. */
  readonly workerUrl: URL;
  /** Entry of the catalog writer. */
  readonly writerUrl: URL;
  readonly writerSettings: WriterSettings;
  /** Catalogs of buckets that the writer keeps open. */
  readonly maxOpenCatalogs?: number;
  readonly monotonicMs: () => number;
  readonly log: PoolLog;
  /** Writes lines of the access log; resolves when more may come. */
  readonly writeAccess?: (lines: Uint8Array) => Promise<void>;
  /** Told of what the writer finds wrong with catalogs. */
  readonly problems?: CatalogProblemSink;
  /** Told of what buckets hold. */
  readonly usages?: BucketUsageSink;
  /** Takes the spans of all threads. */
  readonly takeSpans?: TakeSpans;
}

/** How many threads answer. */
export interface PoolHealth {
  readonly isWriterUp: boolean;
  readonly upWorkerCount: number;
  readonly workerCount: number;
}

/** Buckets the writer is asked for at once: it may have to read each of them, and commits wait meanwhile. */
const usagePageSize = 64;

/** How long clients of a server that ends may take, ms; service managers wait little longer than the whole. */
const drainTimes: DrainTimes = { stallMs: 20_000, totalMs: 60_000 };

/**
 * The threads of the data plane: one catalog writer and the data workers. Starts them, introduces them to each other, starts
 * again what ends. It holds no data: a worker's end costs its connections, the writer's end the mutations in flight; neither
 * costs an acknowledged write.
 */
export class Pool implements MetricsSource {
  readonly #options: PoolOptions;
  readonly #writer: WriterSupervisor;
  readonly #changes = createChangeTable();
  readonly #usage = createUsageTable();
  #workers: DataWorkers | undefined;

  /** Nothing runs before `open`. */
  constructor(options: PoolOptions) {
    const { dataDir, writerUrl: url, writerSettings: settings, log, monotonicMs } = options;
    this.#options = options;
    const onRestart = () => this.#workers?.reconnectWriter();
    this.#writer = new WriterSupervisor({
      dataDir,
      url,
      maxOpenCatalogs: options.maxOpenCatalogs,
      settings,
      log,
      monotonicMs,
      changes: this.#changes,
      usage: this.#usage,
      problems: options.problems,
      usages: options.usages,
      takeSpans: options.takeSpans,
      onRestart,
    });
  }

  /** Starts the writer. @throws PoolStartError when it does not come up. */
  open(): Promise<void> {
    return this.#writer.open();
  }

  /** Starts the data workers, once. @throws PoolStartError when a port is taken or a worker does not come up. */
  startWorkers(options: WorkersOptions): Promise<Ports> {
    const { dataDir, workerUrl: url, log, monotonicMs } = this.#options;
    const connectWriter = () => {
      const { port1, port2 } = new MessageChannel();
      this.#writer.attach(port1);
      return port2;
    };
    this.#workers = new DataWorkers({
      ...options,
      dataDir,
      url,
      log,
      writeAccess: this.#options.writeAccess,
      takeSpans: this.#options.takeSpans,
      monotonicMs,
      changes: this.#changes,
      usage: this.#usage,
      connectWriter,
    });
    return this.#workers.start();
  }

  /**
   * Catalogs of buckets, made and removed by the writer. Each call can be repeated. All throw S3Error: ServiceUnavailable
   * when the writer is away or dies first (the outcome is then unknown), InternalError when the disk failed.
   */
  readonly catalogs = {
    /** Makes folder and empty catalog, synced. */
    create: async (bucketId: string, tenantId: string): Promise<void> => {
      await this.#writer.request({ kind: "createCatalog", bucketId, tenantId });
    },
    /** Closes the catalog for ever unless it holds a version or a marker. */
    close: async (bucketId: string): Promise<"closed" | "notEmpty"> => {
      const outcome = await this.#writer.request({ kind: "closeCatalog", bucketId });
      return outcome === "notEmpty" ? "notEmpty" : "closed";
    },
    /** Removes the folder of a closed bucket. */
    remove: async (bucketId: string): Promise<void> => {
      // In steps: what others ask of the writer comes in between.
      while ((await this.#writer.request({ kind: "removeCatalog", bucketId })) === "notEmpty");
    },
    /** Says whose buckets are; those that are not named stay as they are. To be called before the workers listen. */
    own: (owners: readonly BucketOwner[]): void => this.#writer.own(owners),
    /** What buckets hold as of their last commits, by id; one whose catalog cannot be read is not among them. */
    usage: async (bucketIds: readonly string[]): Promise<ReadonlyMap<string, Usage>> => {
      const found = new Map<string, Usage>();
      for (let start = 0; start < bucketIds.length; start += usagePageSize) {
        const page = bucketIds.slice(start, start + usagePageSize);
        const usages = await this.#writer.request({ kind: "usage", bucketIds: page });
        if (typeof usages === "string") continue;
        for (const [index, bucketId] of page.entries()) {
          const usage = usages[index];
          if (usage) found.set(bucketId, usage);
        }
      }
      return found;
    },
  };

  /** Resolves when the writer answered and synced a probe file. @throws S3Error as `catalogs` does. */
  async probe(): Promise<void> {
    await this.#writer.request({ kind: "probe" });
  }

  /** Changes the writer's limits. */
  configureWriter(settings: WriterSettings): void {
    this.#writer.configure(settings);
  }

  /**
   * Ends the life of a worker, such as one that does not take a snapshot over. Resolves when it runs no more; the next life
   * follows. Does nothing when it is over already. @param life as `WorkerLink.attach` got it
   */
  async endWorker(life: { readonly name: string }, reason: string): Promise<void> {
    this.#options.log("warn", "A data worker is ended", { thread: life.name, reason });
    await this.#workers?.endLife(life);
  }

  health(): PoolHealth {
    const { isUp: isWriterUp } = this.#writer;
    return { isWriterUp, upWorkerCount: this.#workers?.upCount ?? 0, workerCount: this.#workers?.count ?? 0 };
  }

  threads(): readonly ThreadMetrics[] {
    return [...(this.#workers?.metrics() ?? []), this.#writer.metrics()];
  }

  /** Workers finish what runs, as far as there is time for it, then the writer commits what it has. */
  async stop(times: DrainTimes = drainTimes): Promise<void> {
    await this.#workers?.drain(times);
    await this.#writer.stop();
  }

  /** Ends everything now. No acknowledged write is lost. */
  async end(): Promise<void> {
    await Promise.all([this.#workers?.end(), this.#writer.end()]);
  }
}

/** Opens a pool with its writer running. @throws PoolStartError when the writer does not come up. */
export async function openPool(options: PoolOptions): Promise<Pool> {
  const pool = new Pool(options);
  await pool.open();
  return pool;
}
