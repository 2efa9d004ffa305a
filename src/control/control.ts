import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { TaskType } from "#kernel/metrics/slot-layout.ts";
import type { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import type { ListenAddress } from "#kernel/settings/value-parser.ts";
import type { FirstAdministrator } from "./access-keys/first-administrator.ts";
import type { StoredKeyUses } from "./access-keys/stored-key-uses.ts";
import type { AuditTrail } from "./audit/audit-trail.ts";
import type { DataEventFiles } from "./audit/data-event-files.ts";
import type { CatalogUsage } from "./buckets/bucket-catalogs.ts";
import type { BucketQuotas } from "./buckets/bucket-quotas.ts";
import type { Buckets } from "./buckets/buckets.ts";
import type { QuotaWatch } from "./buckets/quota-watch.ts";
import type { ControlDatabase } from "./database/control-database.ts";
import { DatabaseUnavailableError } from "./database/database-unavailable-error.ts";
import type { WorkerQuestions } from "./diagnostics/worker-questions.ts";
import { keyCommandEvent, parseKeyCommand } from "./encryption/record-key-command.ts";
import type { ControlListener } from "./http/listen.ts";
import type { LogInGuard } from "./http/log-in-guard.ts";
import type { ListedRoute } from "./http/route-rules.ts";
import type { Identities } from "./iam/identities.ts";
import type { IdempotencyKeys } from "./idempotency/idempotency-keys.ts";
import { ClockWatch } from "./observe/clock-watch.ts";
import type { LiveFeed } from "./observe/live-feed.ts";
import type { Log } from "./observe/log.ts";
import type { RegisterMetrics } from "./observe/metrics.routes.ts";
import type { MetricsHistory } from "./observe/metrics-history.ts";
import type { Readiness } from "./observe/readiness.ts";
import { parseAdminCommand, runAdminCommand } from "./session/admin-command.ts";
import { type AdminSocket, listenForAdministration } from "./session/admin-socket.ts";
import type { FirstPassword } from "./session/first-password.ts";
import type { SessionPlane } from "./session/open-session-plane.ts";
import type { ServerSettings } from "./settings/server-settings.ts";
import { parseSettingsCommand, runSettingsCommand } from "./settings/settings-command.ts";
import type { SnapshotPublisher } from "./snapshot/publisher.ts";
import type { Sts } from "./sts/sts.ts";
import type { StsSessions } from "./sts/sts-sessions.ts";
import type { TraceExport } from "./tracing/trace-export.ts";
import type { WorkerCalls } from "./worker-calls.ts";

/** The parts, as `openControl` puts them together. */
export interface ControlParts {
  readonly version: string;
  readonly consoleListen: ListenAddress;
  /** 0 when it is not known. */
  readonly s3Port: number;
  readonly registerMetrics: RegisterMetrics;
  readonly firstAdministrator: FirstAdministrator | undefined;
  readonly keys: readonly KeyEncryptionKey[];
  readonly database: ControlDatabase;
  readonly publisher: SnapshotPublisher;
  readonly identities: Identities;
  readonly settings: ServerSettings;
  readonly audit: AuditTrail;
  readonly dataEvents: DataEventFiles;
  readonly buckets: Buckets;
  readonly quotas: BucketQuotas;
  readonly quotaWatch: QuotaWatch;
  readonly usage: CatalogUsage;
  readonly sts: Sts;
  readonly stsSessions: StsSessions;
  readonly idempotency: IdempotencyKeys;
  readonly history: MetricsHistory;
  readonly live: LiveFeed;
  readonly keyUses: StoredKeyUses;
  readonly questions: WorkerQuestions;
  readonly calls: WorkerCalls;
  readonly readiness: Readiness;
  readonly logIns: LogInGuard;
  /** Of the control thread's own slot. */
  readonly recorder: SlotRecorder;
  readonly clock: Clock;
  readonly session: SessionPlane;
  /** Resolves once the administrator has a password; a random one is in it. */
  readonly firstPassword: Promise<FirstPassword | undefined>;
  /** Told the port when it is known. */
  readonly place: { consolePort: number };
  /** The data folder. */
  readonly dataDir: string;
  readonly random: Random;
  readonly log: Log;
  readonly traces: TraceExport | undefined;
}

/** Pause between two looks for unfinished and deleted buckets. */
const upkeepMs = 60_000;
/** Pause between two looks at quotas. */
const quotaWatchMs = 5_000;
/** Pause between two looks whether a step of the metrics history is over. */
const historyMs = 1_000;

/** The control thread's state and services. Owner of the database and, once started, of the listener. */
export class Control {
  /** Set when this start made the first administrator: show it if it was generated, now or never. */
  readonly firstAdministrator: FirstAdministrator | undefined;
  /** Key-encryption keys, newest last, for the workers. */
  readonly keys: readonly KeyEncryptionKey[];
  /** Snapshots and their acknowledgement: attach each worker to it before sending it `start`. */
  readonly publisher: SnapshotPublisher;
  /** Takes what workers send. */
  readonly calls: WorkerCalls;
  readonly identities: Identities;
  /** Live: who needs them outside of the control thread follows them. */
  readonly settings: ServerSettings;
  /** Help for people who cannot log in. */
  readonly logins: SessionPlane["administration"];
  /** Resolves once the administrator has a password; one to show, now or never. @throws StartRefusedError when a given one is bad */
  readonly firstPassword: Promise<FirstPassword | undefined>;
  readonly #parts: ControlParts;
  readonly #clockWatch: ClockWatch;
  #routes: readonly ListedRoute[] = [];
  #listener: ControlListener | undefined;
  #socket: AdminSocket | undefined;
  #upkeep: Timer | undefined;
  #quotaWatch: Timer | undefined;
  #looking: Promise<unknown> | undefined;
  #history: Timer | undefined;
  #keeping: Promise<unknown> | undefined;
  #running: Promise<unknown> | undefined;

  constructor(parts: ControlParts) {
    this.firstAdministrator = parts.firstAdministrator;
    this.keys = parts.keys;
    this.publisher = parts.publisher;
    this.calls = parts.calls;
    this.identities = parts.identities;
    this.settings = parts.settings;
    this.logins = parts.session.administration;
    this.firstPassword = parts.firstPassword;
    this.#parts = parts;
    this.#clockWatch = new ClockWatch(parts.clock, parts.log);
  }

  /**
   * Finishes what a crash interrupted and listens. The catalog writer must run; workers need not yet.
   * @returns the console's port.
   * @throws Error with code EADDRINUSE, EACCES or EADDRNOTAVAIL when the address cannot be had.
   */
  async start(): Promise<number> {
    const { consoleListen: address, random, log, buckets, usage, ...parts } = this.#parts;
    const entries = [...this.publisher.buckets.values()];
    // Before the workers listen: a bound of a tenant counts all of its buckets.
    usage.own(entries.map(({ bucketId, tenantId }) => [bucketId, tenantId]));
    await buckets.recover();
    const [{ createControlApp }, { listen }] = await Promise.all([import("./app.ts"), import("./http/listen.ts")]);
    const { publisher, session } = parts;
    await parts.firstPassword;
    const app = createControlApp({
      ...parts,
      knownHosts: () => [address.host, ...publisher.settings["server.s3_domains"]],
      log,
    });
    this.#routes = app.routes;
    const trustedProxies = () => session.settings()["server.trusted_proxies"];
    const settle = async (request: Request, response: Response) => parts.idempotency.settle(request, response);
    this.#listener = listen({ address, app, trustedProxies, random, log, settle, traces: parts.traces });
    parts.place.consolePort = this.#listener.port;
    this.#socket = listenForAdministration({
      dataDir: parts.dataDir,
      run: {
        admin: async (command) => runAdminCommand(this.logins, parseAdminCommand(command)),
        settings: async (command) => runSettingsCommand(this.settings, parseSettingsCommand(command)),
        keys: async (command) => {
          await parts.audit.recordExport(keyCommandEvent(parseKeyCommand(command)));
          return [];
        },
      },
      log,
    });
    this.#upkeep = setInterval(() => {
      this.#running ??= this.#runUpkeep().finally(() => {
        this.#running = undefined;
      });
    }, upkeepMs);
    this.#quotaWatch = setInterval(() => {
      this.#looking ??= this.#lookAtQuotas();
    }, quotaWatchMs);
    this.#history = setInterval(() => {
      this.#clockWatch.look();
      this.#keeping ??= this.#keepHistory();
    }, historyMs);
    return this.#listener.port;
  }

  /** Every route of the console's port, once it listens. */
  get routes(): readonly ListedRoute[] {
    return this.#routes;
  }

  /** Workers and console listen: from now on readiness is judged, also when nobody asks. */
  announceReady(): void {
    this.#parts.readiness.start();
  }

  /** From now on `/health/ready` answers 503, so that load balancers send nothing new. */
  drain(): void {
    this.#parts.readiness.drain();
  }

  /** Stops listening, waits for what runs, closes the database. Call it after the workers have ended. */
  async close(): Promise<void> {
    this.#parts.readiness.drain();
    clearInterval(this.#upkeep);
    clearInterval(this.#quotaWatch);
    clearInterval(this.#history);
    this.#parts.live.close();
    await this.#listener?.close();
    await this.#socket?.close();
    await this.#running;
    await this.#looking;
    await this.#keeping;
    await this.#runTask("key_use_upkeep", () => this.#parts.keyUses.write());
    await this.#parts.dataEvents.settle();
    await this.#runAuditUpkeep();
    // Nothing of the last hour can be cut off while nobody looks.
    await this.#runTask("audit_upkeep", () => this.#parts.audit.signHeads());
    await this.#parts.firstPassword.catch(() => undefined);
    await this.#parts.database.close();
  }

  async #runUpkeep(): Promise<void> {
    const { buckets, session } = this.#parts;
    await this.#runTask("bucket_upkeep", async () => {
      await buckets.recover();
      await buckets.removeDeleted();
    });
    await this.#runTask("session_upkeep", async () => {
      await session.sweep();
      await this.#parts.idempotency.runUpkeep();
    });
    await this.#runTask("token_upkeep", () => this.#parts.sts.runUpkeep());
    await this.#runTask("key_use_upkeep", () => this.#parts.keyUses.write());
    await this.#runAuditUpkeep();
  }

  async #lookAtQuotas(): Promise<void> {
    await this.#runTask("quota_watch", () => this.#parts.quotaWatch.look());
    this.#looking = undefined;
  }

  async #keepHistory(): Promise<void> {
    const { history, log } = this.#parts;
    await history.look().catch((error) => {
      // Health and log tell of a lost database already.
      if (error instanceof DatabaseUnavailableError) return;
      log.error("The metrics history has a gap", { error: String(error) });
    });
    this.#keeping = undefined;
  }

  async #runAuditUpkeep(): Promise<void> {
    const { audit, dataEvents, settings } = this.#parts;
    await this.#runTask("audit_upkeep", async () => {
      await audit.runUpkeep();
      await dataEvents.dropOld(settings.current["audit.retention_days"]);
    });
  }

  async #runTask(type: TaskType, work: () => Promise<unknown>): Promise<void> {
    const { clock, recorder, log } = this.#parts;
    const startMs = clock.monotonicMs();
    let ok = true;
    try {
      await work();
    } catch (error) {
      ok = false;
      log.error("Upkeep failed", { task: type, error: String(error) });
    }
    recorder.recordTask(type, (clock.monotonicMs() - startMs) * 1000, ok);
  }
}
