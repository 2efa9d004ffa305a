import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type MessagePort, parentPort, receiveMessageOnPort } from "node:worker_threads";
import { systemClock } from "#kernel/base/clock.ts";
import type { Mutation, WriterAnswer, WriterBatch } from "#kernel/protocol/mutation.ts";
import type { FromWriter, ToWriter } from "#kernel/protocol/to-writer.ts";
import { GarbageCollector } from "../background/collect-garbage.ts";
import { ChangeSlots } from "../cache/change-slots.ts";
import { listBucketFolders } from "../catalog/sqlite-catalog/bucket-folders.ts";
import { createCatalog } from "../catalog/sqlite-catalog/open-catalog.ts";
import { readUsage } from "../catalog/sqlite-catalog/read-usage.ts";
import { ProblemReporter } from "../problem-reporter.ts";
import { UsageLedger } from "../quota/usage-ledger.ts";
import { UsageTable } from "../quota/usage-table.ts";
import { SpanOutbox } from "../trace/span-outbox.ts";
import { Ballast } from "./ballast.ts";
import { closeBucketCatalog, removeBucketCatalog } from "./catalog-lifecycle.ts";
import { CatalogWatch } from "./catalog-watch.ts";
import { describeCommitFailure, isNoRoom } from "./commit-failure.ts";
import { makeCommitSpans } from "./commit-spans.ts";
import { GroupCommit } from "./group-commit.ts";
import { UsageReporter } from "./usage-reporter.ts";
import { openWriterMetrics } from "./writer-metrics.ts";

/** S3's smallest part, but for the last one of an upload. */
const minPartBytes = 5 * 2 ** 20;

/** Buckets whose usage is read in one go, between commits. */
const usageReadCount = 2;
const usageReadPauseMs = 20;

type StartMessage = Extract<ToWriter, { kind: "start" }>;
type Order = Exclude<ToWriter, { kind: "start" | "attach" | "settings" | "stop" | "owners" | "usage" }>;

/** The entry of the catalog writer thread: the only thread that writes `index.db` files. */
class WriterThread {
  readonly #port: MessagePort;
  readonly #dataDir: string;
  readonly #commits: GroupCommit;
  readonly #garbage: GarbageCollector;
  readonly #ballast: Ballast;
  readonly #watch: CatalogWatch;
  readonly #usage: UsageLedger;
  #usageTimer: Timer | undefined;
  readonly #usages: UsageReporter;
  readonly #workers = new Set<MessagePort>();
  readonly #spans = new SpanOutbox({
    send: (spans, droppedCount) => this.#send({ kind: "spans", spans, droppedCount }),
    after: (ms, call) => void setTimeout(call, ms),
  });

  constructor(port: MessagePort, start: StartMessage) {
    this.#port = port;
    this.#dataDir = start.dataDir;
    const warn = (message: string, fields: Record<string, string | number | boolean>) =>
      this.#send({ kind: "log", level: "warn", message, fields });
    const problems = new ProblemReporter(
      {
        report: (problem) => this.#send({ kind: "catalogProblem", problem }),
        settle: (bucketId) => this.#send({ kind: "catalogSettled", bucketId }),
      },
      systemClock,
    );
    const changes = new ChangeSlots(start.changes);
    changes.settle();
    const usageTable = new UsageTable(start.usage);
    usageTable.clear();
    this.#usage = new UsageLedger({
      table: usageTable,
      read: (bucketId) => readUsage(start.dataDir, bucketId),
      monotonicMs: systemClock.monotonicMs,
    });
    this.#ballast = new Ballast({ path: join(start.dataDir, "reserve.bin"), reserveBytes: start.reserveBytes, warn });
    const metrics = openWriterMetrics(start.metrics);
    this.#commits = new GroupCommit({
      dataDir: start.dataDir,
      maxOpenCatalogs: start.maxOpenCatalogs,
      clock: systemClock,
      minPartBytes,
      changes,
      observe: metrics.commit,
      warn,
      problems,
      traced: makeCommitSpans((span) => this.#spans.add(span)),
      giveUpBallast: () => this.#ballast.giveUp(),
      usage: this.#usage,
      noteUsage: (bucketId, counters) => this.#usages.note(bucketId, counters),
    });
    this.#usages = new UsageReporter({
      sink: { take: (usages, isComplete) => this.#send({ kind: "bucketUsage", usages, isComplete }) },
      list: () => listBucketFolders(start.dataDir),
      read: (bucketId) => this.#commits.writerOf(bucketId).counters,
    });
    this.#garbage = new GarbageCollector({
      dataDir: start.dataDir,
      commits: this.#commits,
      clock: systemClock,
      windowMs: start.historyWindowMs,
      warn,
      problems,
      observeTask: metrics.task,
    });
    this.#watch = new CatalogWatch({ commits: this.#commits, problems });
    this.#watch.start();
    this.#garbage.start();
    this.#ballast.start();
    this.#usages.start();
    this.#send({ kind: "ready" });
  }

  handle(message: ToWriter): void {
    switch (message.kind) {
      case "start":
        return;
      case "attach":
        this.#attach(message.port);
        return;
      case "settings":
        this.#garbage.windowMs = message.historyWindowMs;
        this.#ballast.reserveBytes = message.reserveBytes;
        return;
      case "owners":
        for (const [bucketId, tenantId] of message.owners) this.#usage.own(bucketId, tenantId);
        this.#readUsage();
        return;
      case "usage":
        this.#tellUsage(message);
        return;
      case "stop":
        this.#stop();
        return;
      default:
        this.#answer(message);
    }
  }

  #attach(port: MessagePort): void {
    this.#workers.add(port);
    port.on("close", () => this.#workers.delete(port));
    port.on("message", (batch: WriterBatch) => {
      this.#take(port, batch);
      this.#takeWaiting();
      this.#commits.run();
    });
  }

  /** What other workers, and this one, have sent meanwhile joins the same commit. */
  #takeWaiting(): void {
    for (const port of this.#workers) {
      for (let taken = receiveMessageOnPort(port); taken; taken = receiveMessageOnPort(port))
        this.#take(port, taken.message as WriterBatch);
    }
  }

  #take(port: MessagePort, batch: WriterBatch): void {
    this.#commits.add({
      mutations: JSON.parse(batch.mutations) as Mutation[],
      bytes: new Uint8Array(batch.bytes),
      answer: (results) => port.postMessage({ id: batch.id, results: JSON.stringify(results) } satisfies WriterAnswer),
    });
  }

  /** Each order takes some milliseconds: what workers sent meanwhile comes before the next, however many there are. */
  #answer(message: Order): void {
    this.#carryOut(message);
    this.#takeWaiting();
    this.#commits.run();
  }

  #carryOut(message: Order): void {
    const { id } = message;
    try {
      if (message.kind === "createCatalog") this.#create(message);
      else if (message.kind === "probe") probeDisk(this.#dataDir);
      else if (message.kind === "removeCatalog" ? !this.#remove(message.bucketId) : !this.#close(message.bucketId)) {
        this.#send({ kind: "failed", id, reason: "notEmpty" });
        return;
      }
      this.#send({ kind: "done", id });
    } catch (error) {
      const { reason, result } = describeCommitFailure(error);
      this.#send({
        kind: "log",
        level: "error",
        message: "A request to the catalog writer failed",
        fields: { request: message.kind, ...("bucketId" in message && { bucketId: message.bucketId }), reason },
      });
      this.#send({ kind: "failed", id, reason: isNoRoom(error) ? "noRoom" : failedReason(result.code) });
    }
  }

  #remove(bucketId: string): boolean {
    return removeBucketCatalog({ commits: this.#commits, dataDir: this.#dataDir, bucketId, clock: systemClock });
  }

  #create({ bucketId, tenantId }: { readonly bucketId: string; readonly tenantId: string }): void {
    createCatalog(this.#dataDir, bucketId);
    this.#usage.own(bucketId, tenantId);
    this.#readUsage();
  }

  /** So that workers can refuse before they read; a commit does not wait for it. */
  #readUsage(): void {
    this.#usageTimer ??= setTimeout(() => {
      this.#usageTimer = undefined;
      if (this.#usage.readSome(usageReadCount)) this.#readUsage();
    }, usageReadPauseMs);
  }

  #tellUsage({ id, bucketIds }: Extract<ToWriter, { kind: "usage" }>): void {
    this.#send({ kind: "usage", id, usages: bucketIds.map((bucketId) => this.#usage.find(bucketId) ?? null) });
  }

  /** What is queued for the bucket commits first, so that emptiness is judged after it. */
  #close(bucketId: string): boolean {
    this.#commits.run();
    return closeBucketCatalog({ commits: this.#commits, dataDir: this.#dataDir, bucketId, clock: systemClock });
  }

  #stop(): void {
    this.#commits.run();
    clearTimeout(this.#usageTimer);
    this.#garbage.stop();
    this.#watch.stop();
    this.#ballast.stop();
    this.#usages.stop();
    this.#commits.close();
    this.#spans.flush();
    this.#send({ kind: "stopped" });
  }

  #send(message: FromWriter): void {
    this.#port.postMessage(message);
  }
}

/** How an answer to a mutation is called as an answer to the control thread. */
function failedReason(code: string): "unavailable" | "locked" | "io" {
  if (code === "ServiceUnavailable") return "unavailable";
  return code === "SlowDown" ? "locked" : "io";
}

function probeDisk(dataDir: string): void {
  const handle = openSync(join(dataDir, "probe"), "w", 0o600);
  try {
    writeSync(handle, "probe");
    fdatasyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function run(): void {
  const port = parentPort;
  if (!port) return;
  let thread: WriterThread | undefined;
  port.on("message", (message: ToWriter) => {
    if (message.kind === "start") thread = new WriterThread(port, message);
    else thread?.handle(message);
  });
}

run();
