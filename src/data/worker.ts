import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { type MessagePort, parentPort } from "node:worker_threads";
import { systemClock } from "#kernel/base/clock.ts";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import type { SnapshotDelta } from "#kernel/protocol/snapshot.ts";
import type { ToControl } from "#kernel/protocol/to-control.ts";
import type { ToData } from "#kernel/protocol/to-data.ts";
import { BufferPool } from "./blobs/buffer-pool.ts";
import { nodeDisk } from "./blobs/disk.ts";
import { DiskBlobs } from "./blobs/disk-blobs/disk-blobs.ts";
import { DiskSpace } from "./blobs/disk-space.ts";
import { measureDisk } from "./blobs/measure-disk.ts";
import { ChangeSlots } from "./cache/change-slots.ts";
import { ObjectCache } from "./cache/object-cache.ts";
import { SqliteCatalogReader } from "./catalog/sqlite-catalog/sqlite-catalog-reader.ts";
import { WriterClient } from "./catalog/writer-client.ts";
import { ChecksumPool } from "./checksum/running-checksum.ts";
import { ControlClient } from "./control-client.ts";
import { ObjectKeyRing } from "./crypto/object-key-ring.ts";
import { DamagedObjects } from "./damaged-objects.ts";
import type { DataPlane, LogLine } from "./data-plane.ts";
import { DenialReports } from "./diagnostics/denial-reports.ts";
import { Diagnostics } from "./diagnostics/diagnostics.ts";
import { guardThread } from "./guard-thread.ts";
import { AccessLog } from "./http/access-log.ts";
import { DataEvents } from "./http/data-events.ts";
import { RequestHandler } from "./http/handle-request.ts";
import { observeRequests, type RequestObserver } from "./http/observe-requests.ts";
import { maxFormsBytes, maxFormsShare } from "./http/read-form.ts";
import { RequestIds } from "./http/request-ids.ts";
import { AddressLimit, addressShare } from "./listener/address-limit.ts";
import { ProgressDeadline } from "./listener/progress-deadline.ts";
import { RequestLine } from "./listener/request-line.ts";
import { limitedServerOptions, limitServer } from "./listener/server-limits.ts";
import { listenShared } from "./listener/shared-port.ts";
import { ContinuationTokens } from "./listing/continuation-token.ts";
import { isSoundVersion } from "./operations/is-sound-version.ts";
import { ProblemReporter } from "./problem-reporter.ts";
import { UsageTable } from "./quota/usage-table.ts";
import { RateTable } from "./rate/rate-table.ts";
import { RequestLimits } from "./rate/request-limits.ts";
import { BodyBudget, maxGatheredBytes } from "./request/body-budget.ts";
import { isStillAllowed } from "./request/identify.ts";
import { KeyUses } from "./request/key-uses.ts";
import { RunningRequests } from "./request/running-requests.ts";
import { concernsIdentities, SnapshotStore } from "./snapshot-store.ts";
import { openSpanMaker } from "./trace/open-span-maker.ts";
import { SpanOutbox } from "./trace/span-outbox.ts";
import { Tracer } from "./trace/tracer.ts";

/** Pooled buffers of one worker: 256 KiB each, 80 MiB; made when needed. */
const maxPooledBuffers = 320;
/** Memory of newest versions, per worker. */
const cacheBytes = 32 * 2 ** 20;
const drainPollMs = 50;

type StartMessage = Extract<ToData, { kind: "start" }>;

/** One data worker: accepts S3 connections on the shared port and answers them. */
class DataWorker {
  readonly #port: MessagePort;
  readonly #start: StartMessage;
  readonly #plane: DataPlane;
  readonly #catalog: SqliteCatalogReader;
  readonly #recorder: SlotRecorder;
  readonly #deadline: ProgressDeadline;
  readonly #addresses: AddressLimit;
  readonly #access: AccessLog;
  readonly #tracer: Tracer;
  readonly #spans = new SpanOutbox({
    send: (spans, droppedCount) => this.#send({ kind: "spans", spans, droppedCount }),
    after: (ms, call) => void setTimeout(call, ms),
  });
  readonly #denials = new DenialReports({
    send: (denials, droppedCount) => this.#send({ kind: "denials", denials, droppedCount }),
    after: (ms, call) => void setTimeout(call, ms),
  });
  readonly #requestIds = new RequestIds();
  readonly #requestLine = new RequestLine();
  readonly #servers: (HttpServer | HttpsServer)[] = [];

  constructor(port: MessagePort, start: StartMessage) {
    this.#port = port;
    this.#start = start;
    const { dataDir, idleTimeoutSeconds, maxOpenCatalogs } = start.config;
    const log: LogLine = (level, message, fields) => this.#send({ kind: "log", level, message, fields });
    this.#catalog = new SqliteCatalogReader(dataDir, maxOpenCatalogs);
    const snapshot = new SnapshotStore(start.snapshot, (bucketId) => this.#catalog.forget(bucketId));
    this.#recorder = new SlotRecorder(start.metrics, slotLayout);
    const pool = new BufferPool(maxPooledBuffers);
    const cache = new ObjectCache(new ChangeSlots(start.changes), cacheBytes);
    const bodyBudget = new BodyBudget(maxGatheredBytes);
    this.#deadline = new ProgressDeadline({
      idleTimeoutSeconds,
      monotonicMs: () => systemClock.monotonicMs(),
      nextRequestId: () => this.#requestIds.next(),
      bufferLine: () => pool.line,
      gatherLine: () => bodyBudget.line,
      onSlowCut: (cutCount) => log("warn", "Slow clients were cut: others waited for their memory", { cutCount }),
      onTick: (connectionCount, hasProgress) => {
        // Keys expire without anybody saying so.
        this.#recheckRunning();
        this.#recorder.setConnections(connectionCount);
        this.#recorder.setGathered(bodyBudget.usedBytes);
        this.#recorder.recordCache({ ...cache.takeLookUps(), bytes: cache.bytes });
        if (hasProgress) this.#recorder.noteProgress();
      },
    });
    const maxPerAddress = () => snapshot.settings["server.max_connections_per_address"];
    this.#addresses = new AddressLimit({
      limit: () => addressShare(maxPerAddress(), start.config.workerCount),
      nextRequestId: () => this.#requestIds.next(),
      onRefused: () => this.#recorder.recordRefusedConnection(),
    });
    this.#access = this.#openAccessLog(snapshot);
    this.#tracer = this.#openTracer(snapshot);
    const problems = this.#openProblems();
    const writer = new WriterClient(this.#tracer.beginPart);
    writer.attach(start.writer);
    this.#plane = {
      config: start.config,
      clock: systemClock,
      snapshot,
      catalog: this.#catalog,
      cache,
      writer,
      blobs: this.#openBlobs(pool),
      keyRing: new ObjectKeyRing(start.keys),
      continuationTokens: new ContinuationTokens(start.keys),
      checksums: new ChecksumPool(),
      control: new ControlClient((message) => this.#send(message), this.#tracer.beginPart),
      bodyBudget,
      formBudget: new BodyBudget(maxFormsBytes, { share: maxFormsShare }),
      limits: new RequestLimits(openRates(start), snapshot),
      usage: new UsageTable(start.usage),
      running: new RunningRequests(),
      keyUses: this.#openKeyUses(),
      dataEvents: this.#openDataEvents(snapshot),
      disk: this.#openDisk(snapshot, log),
      diagnostics: new Diagnostics(systemClock, this.#denials),
      log,
      reportProblem: (problem) => problems.report(problem),
      damagedObjects: this.#openDamagedObjects(problems),
    };
  }

  #openProblems(): ProblemReporter {
    const sink: CatalogProblemSink = {
      report: (problem) => this.#send({ kind: "catalogProblem", problem }),
      settle: (bucketId, object = "") => this.#send({ kind: "objectSettled", bucketId, object }),
    };
    return new ProblemReporter(sink, systemClock);
  }

  #openDamagedObjects(problems: ProblemReporter): DamagedObjects {
    return new DamagedObjects({
      catalog: this.#catalog,
      isSound: (object, version) => isSoundVersion(this.#plane, object, version),
      settle: (bucketId, name) => problems.settle(bucketId, name),
      after: (ms, call) => void setTimeout(call, ms).unref(),
    });
  }

  #openDisk(snapshot: SnapshotStore, log: LogLine): DiskSpace {
    return new DiskSpace(this.#start.config.dataDir, () => snapshot.settings["storage.reserve_bytes"], {
      onLook: (state) => this.#recorder.setDisk(state),
      onChange: ({ refusesWrites, freeBytes, reserveBytes }, resumeBytes) => {
        const message = refusesWrites
          ? "The disk is below its reserve: writes are refused"
          : "Writes are accepted again";
        log("warn", message, { freeBytes, reserveBytes, resumeBytes });
      },
    });
  }

  #openAccessLog(snapshot: SnapshotStore): AccessLog {
    return new AccessLog({
      isEnabled: () => snapshot.settings["logging.access_enabled"],
      trustedProxies: () => snapshot.settings["server.trusted_proxies"],
      node: this.#start.config.node,
      clock: systemClock,
      send: (lines) => this.#send({ kind: "access", lines }),
      onDropped: () => this.#recorder.recordAccessDropped(),
      after: (ms, call) => void setTimeout(call, ms),
    });
  }

  #openDataEvents(snapshot: SnapshotStore): DataEvents {
    return new DataEvents({
      mode: () => snapshot.settings["audit.log_data_events"],
      onFailure: () => snapshot.settings["audit.on_failure"],
      send: (events, droppedCount) => this.#send({ kind: "dataEvents", events, droppedCount }),
      onDropped: () => this.#recorder.recordEventDropped(),
      after: (ms, call) => void setTimeout(call, ms),
    });
  }

  #openKeyUses(): KeyUses {
    return new KeyUses({
      clock: systemClock,
      send: (uses) => this.#send({ kind: "keyUses", uses }),
      after: (ms, call) => void setTimeout(call, ms),
    });
  }

  #openTracer(snapshot: SnapshotStore): Tracer {
    return new Tracer({
      settings: () => snapshot.settings,
      maker: openSpanMaker(`worker ${this.#start.config.workerIndex}`),
      take: (span) => this.#spans.add(span),
    });
  }

  #observeRequests(): RequestObserver {
    const { take: access } = this.#access;
    return observeRequests({ recorder: this.#recorder, clock: systemClock, access, tracer: this.#tracer });
  }

  #openBlobs(pool: BufferPool): DiskBlobs {
    const disk = measureDisk(nodeDisk, { recorder: this.#recorder, clock: systemClock });
    return new DiskBlobs({ disk, pool, dataDir: this.#start.config.dataDir });
  }

  async listen(): Promise<void> {
    const { config } = this.#start;
    await Promise.all([this.#plane.checksums.warm(), this.#plane.disk.start()]);
    const handler = new RequestHandler(this.#plane, this.#observeRequests());
    const options = limitedServerOptions(config.idleTimeoutSeconds);
    const s3Port = await this.#serve(createHttpServer(options), handler, { host: config.s3Host, port: config.s3Port });
    const { tls } = config;
    const tlsPort =
      tls && (await this.#serve(createHttpsServer({ ...options, cert: tls.cert, key: tls.key }), handler, tls));
    // Until here whatever goes wrong ends the thread and is the reason why it does not start.
    guardThread({ log: this.#plane.log, count: (kind) => this.#recorder.recordUncaught(kind) });
    this.#send({ kind: "listening", s3Port, ...(tlsPort === undefined ? {} : { tlsPort }) });
  }

  handle(message: ToData): void {
    const { snapshot, writer, control } = this.#plane;
    switch (message.kind) {
      case "start":
        break;
      case "snapshot":
        snapshot.replace(message.snapshot);
        this.#recheckRunning();
        this.#send({ kind: "applied", number: snapshot.number });
        break;
      case "delta":
        this.#applyDelta(message.delta);
        break;
      case "writer":
        writer.attach(message.writer);
        break;
      case "answer":
        control.settle(message.id, message.result);
        break;
      case "find":
        this.#send({ kind: "kept", id: message.id, found: this.#plane.diagnostics.find(message) });
        break;
      case "denialsTaken":
        this.#denials.taken();
        break;
      case "dataEventsWritten":
        this.#plane.dataEvents.written(message.isWritten);
        break;
      case "accessWritten":
        this.#access.written();
        break;
      case "drain":
        void this.#drain();
    }
  }

  #applyDelta(delta: SnapshotDelta): void {
    const { snapshot } = this.#plane;
    if (!snapshot.apply(delta)) {
      this.#send({ kind: "resync" });
      return;
    }
    if (concernsIdentities(delta.changes)) this.#recheckRunning();
    this.#send({ kind: "applied", number: snapshot.number });
  }

  /** Whoever lost a right loses it at once, for what is under way too; only then is the change acknowledged. */
  #recheckRunning(): void {
    this.#plane.running.recheck(isStillAllowed);
  }

  /** Stops accepting, lets every request end, then says so; who waits too long is cut by the pool. */
  async #drain(): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      server.closeIdleConnections();
    }
    while (this.#deadline.connectionCount > 0 || this.#plane.writer.inFlight > 0) {
      for (const server of this.#servers) server.closeIdleConnections();
      await Bun.sleep(drainPollMs);
    }
    this.#plane.disk.stop();
    this.#catalog.close();
    this.#access.drain();
    this.#plane.keyUses.flush();
    this.#plane.dataEvents.drain();
    this.#spans.flush();
    this.#denials.flush();
    this.#send({ kind: "drained" });
  }

  #serve(
    server: HttpServer | HttpsServer,
    handler: RequestHandler,
    place: { host: string; port: number },
  ): Promise<number> {
    const nextRequestId = () => this.#requestIds.next();
    limitServer(server, { nextRequestId, connectionLimit: this.#start.config.maxConnections });
    this.#addresses.watch(server);
    this.#deadline.watch(server);
    const handle = (awaitsContinue: boolean) => async (message: IncomingMessage, response: ServerResponse) => {
      try {
        const turn = this.#requestLine.turn(message.socket, response);
        if (turn !== true && !(await turn)) return;
        await handler.handle(message, response, awaitsContinue);
      } catch (error) {
        // Not even the error could be answered: the client must not wait for ever. The guard logs it.
        // The response itself must not be destroyed: Bun would answer 200.
        message.socket.destroy();
        throw error;
      }
    };
    server.on("request", handle(false));
    server.on("checkContinue", handle(true));
    this.#servers.push(server);
    return listenShared(server, place);
  }

  #send(message: ToControl): void {
    this.#port.postMessage(message);
  }
}

function openRates({ rates: table, config }: StartMessage): RateTable {
  const { workerIndex, workerCount } = config;
  const rates = new RateTable({ table, workerIndex, workerCount, nowMs: systemClock.nowMs });
  rates.clearConnections();
  return rates;
}

function run(): void {
  const port = parentPort;
  if (!port) return;
  let worker: DataWorker | undefined;
  port.on("message", (message: ToData) => {
    if (message.kind !== "start") return worker?.handle(message);
    worker = new DataWorker(port, message);
    void worker.listen();
  });
}

run();
