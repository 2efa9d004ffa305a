import type { MessagePort } from "node:worker_threads";
import type { ThreadMetrics } from "#kernel/metrics/metrics-source.ts";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot, slotCell } from "#kernel/metrics/slot-layout.ts";
import type { Snapshot } from "#kernel/protocol/snapshot.ts";
import type { SharedLines, ToControl, WorkerCall } from "#kernel/protocol/to-control.ts";
import type { DataConfig, KeyEncryptionKey, ToData } from "#kernel/protocol/to-data.ts";
import type { TakeSpans } from "#kernel/trace/span.ts";
import { assertPortFree, canSharePort } from "../listener/shared-port.ts";
import { createRateTable } from "../rate/rate-table.ts";
import { PoolStartError } from "./pool-start-error.ts";
import { type PoolLog, SupervisedThread, type ThreadLife } from "./supervised-thread.ts";

/** The way to one life of a data worker. */
export type WorkerLife = ThreadLife<ToData, ToControl>;

/** The control plane's side of the data workers. */
export interface WorkerLink {
  /** Takes in a new life and returns the state it starts from; later changes are sent to it in order. */
  attach(life: WorkerLife): Snapshot;
  /** The life is over. */
  detach(life: WorkerLife): void;
  receive(life: WorkerLife, message: WorkerCall): void;
}

/** How the data workers run. */
export interface WorkersOptions {
  /** Wanted number, 1 to 64; one where the platform cannot share a port. */
  readonly workerCount: number;
  /** Listeners and limits. Port 0: the system chooses one for all. */
  readonly listen: Omit<DataConfig, "dataDir" | "workerIndex" | "workerCount">;
  /** Newest last. */
  readonly keys: readonly KeyEncryptionKey[];
  readonly link: WorkerLink;
}

/** What the workers' supervisor is made of. */
export interface DataWorkersOptions extends WorkersOptions {
  /** Absolute path. */
  readonly dataDir: string;
  readonly url: URL;
  readonly log: PoolLog;
  /** Writes lines of the access log; resolves when their memory may change. */
  readonly writeAccess?: ((lines: Uint8Array) => Promise<void>) | undefined;
  readonly takeSpans?: TakeSpans | undefined;
  readonly monotonicMs: () => number;
  /** Shared counters of changed keys. */
  readonly changes: SharedArrayBuffer;
  /** Shared table of what buckets and tenants hold. */
  readonly usage: SharedArrayBuffer;
  /** Makes a line to the writer and returns the worker's end of it. */
  readonly connectWriter: () => MessagePort;
}

/** Ports in use. */
export interface Ports {
  readonly s3Port: number;
  readonly tlsPort?: number;
}

interface DataWorker {
  readonly thread: SupervisedThread<ToData, ToControl>;
  readonly slot: SharedArrayBuffer;
  onListening: (ports: Ports) => void;
  onDrained: () => void;
}

/** How long what runs may take when workers are drained, ms. */
export interface DrainTimes {
  /** Without any progress. */
  readonly stallMs: number;
  readonly totalMs: number;
}

/** Keeps the data workers running, each with a line to the writer and the newest state. */
export class DataWorkers {
  readonly #options: DataWorkersOptions;
  readonly #workers: readonly DataWorker[];
  readonly #rates: SharedArrayBuffer;
  /** Memory of each life's access log. */
  readonly #accessLines = new WeakMap<WorkerLife, Buffer>();
  /** Known ports replace port 0, so that a restarted worker comes back to the same one. */
  #listen: DataWorkersOptions["listen"];

  constructor(options: DataWorkersOptions) {
    this.#options = options;
    this.#listen = options.listen;
    const count = canSharePort() ? options.workerCount : 1;
    this.#rates = createRateTable(count);
    this.#workers = Array.from({ length: count }, (_, index) => this.#create(index, count));
  }

  /** Starts them all. @throws PoolStartError when a port is taken or a worker ends before it listens. */
  async start(): Promise<Ports> {
    const { s3Host: host, s3Port: port, tls } = this.#listen;
    await assertFree(host, port);
    if (tls) await assertFree(tls.host, tls.port);
    const [first, ...others] = this.#workers;
    if (!first) throw new PoolStartError("There must be one data worker at least");
    if (port !== 0 && tls?.port !== 0) {
      const [ports] = await Promise.all([first, ...others].map((worker) => this.#startFirst(worker)));
      return ports ?? { s3Port: port };
    }
    const ports = await this.#startFirst(first);
    this.#listen = {
      ...this.#listen,
      s3Port: ports.s3Port,
      ...(tls && { tls: { ...tls, port: ports.tlsPort ?? tls.port } }),
    };
    await Promise.all(others.map((worker) => this.#startFirst(worker)));
    return ports;
  }

  /** The writer was restarted: every worker gets a new line to it. */
  reconnectWriter(): void {
    for (const { thread } of this.#workers) {
      if (!thread.life) continue;
      const writer = this.#options.connectWriter();
      thread.life.send({ kind: "writer", writer }, [writer]);
    }
  }

  /** Ends one life, if it is not over yet. */
  async endLife(life: object): Promise<void> {
    await this.#workers.find(({ thread }) => thread.life === life)?.thread.life?.end();
  }

  /** How many workers there should be. */
  get count(): number {
    return this.#workers.length;
  }

  /** How many are listening. */
  get upCount(): number {
    return this.#workers.filter(({ thread }) => thread.isUp).length;
  }

  metrics(): ThreadMetrics[] {
    return this.#workers.map(({ thread: { isUp: up, restartCount }, slot }, index) => {
      return { worker: String(index), up, restartCount, slot };
    });
  }

  /** Workers stop accepting and finish what runs; one that takes longer than it may is ended. */
  async drain(times: DrainTimes): Promise<void> {
    await Promise.all(this.#workers.map((worker) => this.#drainOne(worker, times)));
  }

  /** Ends them all now. */
  async end(): Promise<void> {
    for (const { thread } of this.#workers) thread.letEnd();
    await Promise.all(this.#workers.map(({ thread }) => thread.life?.end()));
  }

  #create(index: number, count: number): DataWorker {
    const { url, log, monotonicMs, link } = this.#options;
    const slot = createSlot(slotLayout);
    const worker: DataWorker = {
      slot,
      onListening: () => {},
      onDrained: () => {},
      thread: new SupervisedThread<ToData, ToControl>({
        name: `worker ${index}`,
        url,
        log,
        monotonicMs,
        onStart: (life) => this.#begin(life, { index, count, slot }),
        onMessage: (life, message) => this.#receive(worker, life, message),
        onEnd: (life) => link.detach(life),
      }),
    };
    return worker;
  }

  #begin(life: WorkerLife, { index, count, slot }: { index: number; count: number; slot: SharedArrayBuffer }): void {
    const { dataDir, keys, link, connectWriter } = this.#options;
    new Float64Array(slot)[slotCell.connections] = 0;
    const writer = connectWriter();
    const config = { ...this.#listen, dataDir, workerIndex: index, workerCount: count };
    const snapshot = link.attach(life);
    const { changes, usage } = this.#options;
    const rates = this.#rates;
    life.send({ kind: "start", config, snapshot, keys, writer, metrics: slot, changes, usage, rates }, [writer]);
  }

  async #startFirst(worker: DataWorker): Promise<Ports> {
    const listening = new Promise<Ports>((resolve) => {
      worker.onListening = resolve;
    });
    const event = await Promise.race([listening, worker.thread.start().ended]);
    if (typeof event !== "string") return event;
    throw new PoolStartError(`Data ${worker.thread.name} does not start: ${event}`);
  }

  async #drainOne(worker: DataWorker, { stallMs, totalMs }: DrainTimes): Promise<void> {
    const { thread, slot } = worker;
    thread.letEnd();
    const { life } = thread;
    if (!life) return;
    const cells = new Float64Array(slot);
    const drained = new Promise<"drained">((resolve) => {
      worker.onDrained = () => resolve("drained");
    });
    life.send({ kind: "drain" });
    const { monotonicMs, log } = this.#options;
    const startedMs = monotonicMs();
    let stalledSinceMs = startedMs;
    for (let progress = cells[slotCell.progress]; ; ) {
      const event = await Promise.race([drained, life.ended, Bun.sleep(250)]);
      if (event !== undefined) break;
      const nowMs = monotonicMs();
      if (cells[slotCell.progress] !== progress) stalledSinceMs = nowMs;
      // A byte now and then is no reason to stay: meanwhile nobody is served.
      if (nowMs - stalledSinceMs >= stallMs || nowMs - startedMs >= totalMs) {
        log("warn", "Clients that had not finished were cut", { thread: life.name });
        break;
      }
      progress = cells[slotCell.progress];
    }
    await life.end();
  }

  #receive(worker: DataWorker, life: WorkerLife, message: ToControl): void {
    switch (message.kind) {
      case "listening":
        worker.thread.setUp(life);
        worker.onListening(message);
        return;
      case "drained":
        worker.onDrained();
        return;
      case "log":
        this.#options.log(message.level, message.message, { ...message.fields, thread: life.name });
        return;
      case "access":
        this.#writeAccess(life, message.lines);
        return;
      case "spans":
        this.#options.takeSpans?.(message.spans, message.droppedCount);
        return;
      default:
        this.#options.link.receive(life, message);
    }
  }

  #writeAccess(life: WorkerLife, { memory, start, length }: SharedLines): void {
    if (memory) this.#accessLines.set(life, Buffer.from(memory));
    const lines = this.#accessLines.get(life)?.subarray(start, start + length);
    if (lines) void this.#options.writeAccess?.(lines).finally(() => life.send({ kind: "accessWritten" }));
  }
}

async function assertFree(host: string, port: number): Promise<void> {
  try {
    await assertPortFree({ host, port });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PoolStartError(`Cannot listen on ${host}:${port}: ${reason}`);
  }
}
