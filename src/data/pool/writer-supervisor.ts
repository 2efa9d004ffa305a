import type { MessagePort } from "node:worker_threads";
import type { ThreadMetrics } from "#kernel/metrics/metrics-source.ts";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import type { BucketUsageSink } from "#kernel/protocol/bucket-usage.ts";
import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import type { BucketOwner } from "#kernel/protocol/quota.ts";
import type { FromWriter, ToWriter } from "#kernel/protocol/to-writer.ts";
import type { TakeSpans } from "#kernel/trace/span.ts";
import { PoolStartError } from "./pool-start-error.ts";
import { type PoolLog, SupervisedThread, type ThreadLife } from "./supervised-thread.ts";
import { type WriterOutcome, type WriterRequest, WriterRequests } from "./writer-requests.ts";

/** Limits of the writer that can change while it runs. */
export interface WriterSettings {
  readonly historyWindowMs: number;
  readonly reserveBytes: number;
}

/** What the writer's supervisor is made of. */
export interface WriterSupervisorOptions {
  /** Absolute path. */
  readonly dataDir: string;
  readonly url: URL;
  readonly maxOpenCatalogs?: number | undefined;
  readonly settings: WriterSettings;
  readonly log: PoolLog;
  readonly monotonicMs: () => number;
  /** Shared counters of changed keys. */
  readonly changes: SharedArrayBuffer;
  /** Shared table of what buckets and tenants hold. */
  readonly usage: SharedArrayBuffer;
  readonly problems?: CatalogProblemSink | undefined;
  readonly usages?: BucketUsageSink | undefined;
  readonly takeSpans?: TakeSpans | undefined;
  /** A later life began: whoever talked to the one before needs a new port. */
  readonly onRestart: () => void;
}

/** The writer commits what it has when it is stopped; it is ended after this, ms. */
const stopWithinMs = 10_000;

/** Keeps the catalog writer thread running and talks to it for the control plane. */
export class WriterSupervisor {
  readonly #options: WriterSupervisorOptions;
  readonly #thread: SupervisedThread<ToWriter, FromWriter>;
  readonly #requests = new WriterRequests();
  readonly #slot = createSlot(slotLayout);
  #settings: WriterSettings;
  /** Whose every bucket is: told to each life. */
  readonly #owners = new Map<string, string>();
  #onReady: () => void = () => {};
  #onStopped: () => void = () => {};

  constructor(options: WriterSupervisorOptions) {
    this.#options = options;
    this.#settings = options.settings;
    const { url, log, monotonicMs } = options;
    this.#thread = new SupervisedThread({
      name: "writer",
      url,
      log,
      monotonicMs,
      onStart: (life) => this.#begin(life),
      onMessage: (life, message) => this.#receive(life, message),
      onEnd: () => this.#requests.failAll(),
    });
  }

  /** Starts the writer. @throws PoolStartError when it ends before it is ready. */
  async open(): Promise<void> {
    const ready = new Promise<undefined>((resolve) => {
      this.#onReady = () => resolve(undefined);
    });
    const reason = await Promise.race([ready, this.#thread.start().ended]);
    if (reason === undefined) return;
    this.#thread.letEnd();
    throw new PoolStartError(`The catalog writer does not start: ${reason}`);
  }

  /** Hands the writer a worker's port. Without a writer the port leads nowhere: `onRestart` brings the next one. */
  attach(port: MessagePort): void {
    const { life } = this.#thread;
    if (life) life.send({ kind: "attach", port }, [port]);
    else port.close();
  }

  /** @throws S3Error ServiceUnavailable when there is no writer or it dies first, InternalError when the disk failed */
  request(request: WriterRequest): Promise<WriterOutcome> {
    if (request.kind === "createCatalog") this.#owners.set(request.bucketId, request.tenantId);
    else if (request.kind === "removeCatalog") this.#owners.delete(request.bucketId);
    const { life } = this.#thread;
    return this.#requests.request(request, life && ((message) => life.send(message)));
  }

  /** Changes the writer's limits now and for every later life. */
  configure(settings: WriterSettings): void {
    this.#settings = settings;
    this.#thread.life?.send({ kind: "settings", ...settings });
  }

  /** Says whose buckets are, now and to every later life; those that are not named stay as they are. */
  own(owners: readonly BucketOwner[]): void {
    for (const [bucketId, tenantId] of owners) this.#owners.set(bucketId, tenantId);
    this.#thread.life?.send({ kind: "owners", owners });
  }

  get isUp(): boolean {
    return this.#thread.isUp;
  }

  metrics(): ThreadMetrics {
    const { name: worker, isUp: up, restartCount } = this.#thread;
    return { worker, up, restartCount, slot: this.#slot };
  }

  /** Lets the writer commit what it has, then ends it. */
  async stop(): Promise<void> {
    this.#thread.letEnd();
    const { life } = this.#thread;
    if (!life) return;
    const stopped = new Promise<void>((resolve) => {
      this.#onStopped = resolve;
    });
    life.send({ kind: "stop" });
    await Promise.race([stopped, life.ended, Bun.sleep(stopWithinMs)]);
    await life.end();
  }

  /** Ends it now. */
  async end(): Promise<void> {
    this.#thread.letEnd();
    await this.#thread.life?.end();
  }

  #begin(life: ThreadLife<ToWriter, FromWriter>): void {
    life.send({
      kind: "start",
      dataDir: this.#options.dataDir,
      maxOpenCatalogs: this.#options.maxOpenCatalogs,
      ...this.#settings,
      metrics: this.#slot,
      changes: this.#options.changes,
      usage: this.#options.usage,
    });
    life.send({ kind: "owners", owners: [...this.#owners] });
    if (this.#thread.restartCount > 0) this.#options.onRestart();
  }

  #receive(life: ThreadLife<ToWriter, FromWriter>, message: FromWriter): void {
    switch (message.kind) {
      case "ready":
        this.#thread.setUp(life);
        this.#onReady();
        return;
      case "done":
      case "usage":
      case "failed":
        this.#requests.settle(message);
        return;
      case "log":
        this.#options.log(message.level, message.message, { ...message.fields, thread: life.name });
        return;
      case "catalogProblem":
        this.#options.problems?.report(message.problem);
        return;
      case "catalogSettled":
        this.#options.problems?.settle(message.bucketId);
        return;
      case "bucketUsage":
        this.#options.usages?.take(message.usages, message.isComplete);
        return;
      case "spans":
        this.#options.takeSpans?.(message.spans, message.droppedCount);
        return;
      case "stopped":
        this.#onStopped();
    }
  }
}
