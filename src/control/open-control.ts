import type { Registry } from "prom-client";
import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { createUlidMaker } from "#kernel/base/ulid.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import { pickDataSettings } from "#kernel/settings/data-settings.ts";
import { resolveSettings, type SettingOverrides } from "#kernel/settings/settings.ts";
import type { ListenAddress } from "#kernel/settings/value-parser.ts";
import { AccessKeyStore } from "./access-keys/access-key-store.ts";
import { AccessKeys } from "./access-keys/access-keys.ts";
import { ensureFirstAdministrator, type FirstAdministrator } from "./access-keys/first-administrator.ts";
import { warnOfIgnoredAdministrator } from "./access-keys/ignored-administrator.ts";
import { StoredKeyUses } from "./access-keys/stored-key-uses.ts";
import { AuditTrail } from "./audit/audit-trail.ts";
import { DataEventFiles } from "./audit/data-event-files.ts";
import { openAuditSigner } from "./audit/open-audit-signer.ts";
import type { BucketCatalogs, CatalogUsage } from "./buckets/bucket-catalogs.ts";
import { BucketQuotas } from "./buckets/bucket-quotas.ts";
import { readBuckets } from "./buckets/bucket-store.ts";
import { Buckets } from "./buckets/buckets.ts";
import { QuotaWatch } from "./buckets/quota-watch.ts";
import { Control, type ControlParts } from "./control.ts";
import type { ControlDatabase } from "./database/control-database.ts";
import { explainOpenFailure } from "./database/database-unavailable-error.ts";
import { hasBucketFolders } from "./database/durable-file.ts";
import { controlDatabasePath, openControlDatabase } from "./database/open-control-database.ts";
import { SerialQueue } from "./database/serial-queue.ts";
import { WorkerQuestions } from "./diagnostics/worker-questions.ts";
import { openKeyEncryptionKeys, readRootKeyId } from "./encryption/key-encryption-keys.ts";
import { deriveKey, openRootKey } from "./encryption/root-key.ts";
import { Sealer } from "./encryption/seal.ts";
import { LogInGuard } from "./http/log-in-guard.ts";
import { makeAllowsCaller } from "./iam/authorize-caller.ts";
import { openIdentities } from "./iam/identities.ts";
import { identityLimits } from "./iam/identity-limits.ts";
import { readIdentities } from "./iam/read-identities.ts";
import { IdempotencyKeys } from "./idempotency/idempotency-keys.ts";
import { BucketUsages } from "./observe/bucket-usages.ts";
import { CatalogProblems } from "./observe/catalog-problems.ts";
import { HistoryMeter, type HistoryMeterOptions } from "./observe/history-meter.ts";
import { LiveFeed } from "./observe/live-feed.ts";
import { LiveMeter, type LiveMeterOptions } from "./observe/live-meter.ts";
import type { Log } from "./observe/log.ts";
import { MetricsHistory } from "./observe/metrics-history.ts";
import type { ControlMetrics } from "./observe/pool-metrics.ts";
import { Readiness, type ReadinessProbe } from "./observe/readiness.ts";
import { ensureFirstPassword } from "./session/first-password.ts";
import { openSessionPlane, type SessionPlane, type SessionPlaneOptions } from "./session/open-session-plane.ts";
import { type PasswordCost, PasswordHasher } from "./session/password-hasher.ts";
import { openServerSettings, readSettingSources } from "./settings/open-server-settings.ts";
import type { ServerSettings } from "./settings/server-settings.ts";
import { type PublisherOptions, SnapshotPublisher } from "./snapshot/publisher.ts";
import { Sts } from "./sts/sts.ts";
import { readRevocations } from "./sts/sts-session-store.ts";
import { StsSessions } from "./sts/sts-sessions.ts";
import { readTokenKeys, TokenKeys } from "./sts/token-keys.ts";
import type { Credentials } from "./tenants/new-identifiers.ts";
import type { TraceExport } from "./tracing/trace-export.ts";
import { WorkerCalls } from "./worker-calls.ts";

/** All that the control thread needs from outside. Nothing of it is used before it is needed: see each part. */
export interface ControlOptions {
  /** Absolute path of the data folder; it exists and is locked by this process. */
  readonly dataDir: string;
  readonly version: string;
  /** Where `start` listens; port 0 picks a free one. */
  readonly consoleListen: ListenAddress;
  /** Where S3 is, for clients that come to the console's port by mistake; 0 when it is not known. */
  readonly s3Port: number;
  /** Used at the first start only; generated when absent. */
  readonly administrator?: Credentials;
  /** Name and password of the first administrator; `admin` and a random one when absent. */
  readonly firstLogIn: { readonly userName?: string; readonly password?: string };
  /** What hashing a password costs; the standard when absent. */
  readonly passwordCost?: PasswordCost;
  /** 32 bytes, in place of the file `root.key`. */
  readonly rootKey?: Uint8Array;
  /** Settings that win over stored ones. */
  readonly settings: SettingOverrides;
  /** Defaults of settings that depend on where the server runs. */
  readonly settingDefaults?: SettingOverrides;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The catalog writer; first used by `start`. */
  readonly catalogs: BucketCatalogs & CatalogUsage;
  /** Asked by `/health/ready` beside those of the control thread: catalog, data directory, space, workers. */
  readonly probes: readonly ReadinessProbe[];
  readonly registerMetrics: (registry: Registry, control: ControlMetrics) => void | Promise<void>;
  /** The threads whose counts are kept as history; none when absent. */
  readonly metricsSource?: MetricsSource;
  /** Takes the traces of calls and requests; nothing is traced when absent. */
  readonly traces?: TraceExport;
  /** Where the writer tells what buckets hold; one of its own when absent. */
  readonly usages?: BucketUsages;
  /** Where the threads of the data plane report to; one of its own when absent. */
  readonly problems?: CatalogProblems;
  /** Ends a worker that does not acknowledge; resolves when it runs no more. */
  readonly endSilentWorker: PublisherOptions["endSilentWorker"];
}

/** What the database and the keys give. */
interface OpenedState {
  readonly rootKeyId: string;
  readonly store: AccessKeyStore;
  readonly firstAdministrator: FirstAdministrator | undefined;
  readonly keys: readonly KeyEncryptionKey[];
  readonly publisher: SnapshotPublisher;
  readonly settings: ServerSettings;
  readonly audit: AuditTrail;
  readonly dataEvents: DataEventFiles;
  readonly sealer: Sealer;
  /** 32 bytes. */
  readonly csrfKey: Uint8Array;
  readonly tokenKeys: TokenKeys;
}

/**
 * Opens the control thread's state: database, keys, identities, buckets, settings. Nothing listens and no catalog is
 * touched before `start`, so that writer and workers can be started with the keys and the snapshot in between.
 * @throws StartRefusedError (exit code 78) when the root key does not fit the data, a newer release wrote it, or the control
 * database is damaged.
 */
export async function openControl(options: ControlOptions): Promise<Control> {
  const { clock, random, log, catalogs, traces } = options;
  const database = await openControlDatabase(options.dataDir);
  try {
    const { store, publisher, rootKeyId, sealer, csrfKey, ...state } = await openState(database, options);
    const makeId = createUlidMaker(clock, random);
    const problems = options.problems ?? new CatalogProblems({ clock, log });
    problems.useBuckets(publisher.buckets);
    const readiness = openReadiness({ database, publisher, problems, rootKeyId, audit: state.audit }, options);
    const { settings, audit, dataEvents } = state;
    const { record } = audit;
    const turns = new SerialQueue();
    const identityOptions = { database, publisher, record, turns, limits: identityLimits, clock, random };
    const controlSlot = createSlot(slotLayout);
    const { usages = new BucketUsages() } = options;
    const { buckets: published, bucketRows } = publisher;
    const metrics = {
      ...{ usages, buckets: published, bucketRows, controlSlot },
      logIns: () => ({ basic: logIns.counts, password: logInParts.session.logIn.counts }),
      ...{ logDrops: () => log.drops, traceDrops: () => traces?.dropCount ?? 0, clock },
    };
    const buckets = new Buckets({ database, publisher, catalogs, clock, makeId, log, record });
    const keyUses = new StoredKeyUses({ database, publisher });
    const logIns = new LogInGuard({ entries: publisher, clock, log, keyUses });
    const logInState = { database, publisher, logIns, sealer, csrfKey, audit, settings: () => settings.current };
    const logInParts = openLogIns(logInState, options);
    const { secondFactors } = logInParts.session;
    const questions = new WorkerQuestions({ workers: () => publisher.startedWorkers });
    const workerCalls = { dataEvents, buckets, publisher, problems, keyUses, questions, audit, log, traces };
    const sts = openSts({ database, publisher, secondFactors, turns, ...state }, options);
    return new Control({
      ...state,
      ...logInParts,
      consoleListen: options.consoleListen,
      dataDir: options.dataDir,
      s3Port: options.s3Port,
      logIns,
      recorder: new SlotRecorder(controlSlot, slotLayout),
      version: options.version,
      registerMetrics: async (registry) => {
        await options.registerMetrics(registry, metrics);
        const { registerHealthMetrics } = await import("./observe/health-metrics.ts");
        registerHealthMetrics(registry, { readiness, problems });
      },
      database,
      publisher,
      buckets,
      quotas: new BucketQuotas({ database, buckets, catalogs, record }),
      quotaWatch: new QuotaWatch({ database, publisher, catalogs, record, log }),
      usage: catalogs,
      sts: sts.service,
      history: openHistory({ database, usages, buckets: published }, options),
      live: openLiveFeed({ usages, buckets: published }, options),
      ...{ stsSessions: sts.sessions, idempotency: new IdempotencyKeys({ database, sealer, clock, log, publisher }) },
      identities: openIdentities(identityOptions, new AccessKeys(identityOptions, store, keyUses)),
      keyUses,
      calls: new WorkerCalls({ ...workerCalls, sts: sts.service }),
      traces,
      questions,
      readiness,
      clock,
      random,
      log,
    });
  } catch (error) {
    await database.close();
    throw explainOpenFailure(error, controlDatabasePath(options.dataDir));
  }
}

async function openState(database: ControlDatabase, options: ControlOptions): Promise<OpenedState> {
  const { dataDir, clock, random, endSilentWorker } = options;
  const wantedId = await readRootKeyId(database);
  const hasObjects = hasBucketFolders(dataDir);
  const rootKey = openRootKey({ dataDir, given: options.rootKey, wantedId, hasObjects, random });
  const keys = await openKeyEncryptionKeys({ database, rootKey, clock, random });
  const sealer = new Sealer(deriveKey(rootKey, "control-secrets"), random);
  const store = new AccessKeyStore(sealer);
  const given = options.administrator;
  const firstAdministrator = await ensureFirstAdministrator({
    ...{ database, store, given, clock, random },
    ...(options.firstLogIn.userName !== undefined && { userName: options.firstLogIn.userName }),
  });
  const sources = await readSettingSources(database, { sealer, dataDir, given: options });
  const identities = await readIdentities(database);
  const keyEntries = await store.readAll(database);
  const globalIds = new Set(identities.user.filter((user) => user.global).map(({ userId }) => userId));
  const storedKeys = { keys: keyEntries, isGlobal: (userId: string) => globalIds.has(userId) };
  warnOfIgnoredAdministrator(firstAdministrator ? undefined : given, storedKeys, options.log);
  const storedTokenKeys = await readTokenKeys(database, sealer);
  const sessionEntries = {
    tokenKey: storedTokenKeys.map(({ keyId, key }) => ({ keyId, key })),
    revocation: await readRevocations(database),
  };
  const buckets = (await readBuckets(database)).filter(({ state }) => state !== "creating").map(({ entry }) => entry);
  const publisher = new SnapshotPublisher({
    entries: { ...identities, ...sessionEntries, key: keyEntries, bucket: buckets },
    settings: pickDataSettings(resolveSettings(sources)),
    endSilentWorker,
  });
  const signer = await openAuditSigner({ database, sealer, clock, random });
  const { log } = options;
  const dataEvents = new DataEventFiles({ dataDir, clock, log });
  const dataHead = () => dataEvents.head();
  const audit = new AuditTrail({ database, signer, settings: () => settings.current, clock, random, log, dataHead });
  const settings = openServerSettings(sources, { database, publisher, record: audit.record });
  const csrfKey = deriveKey(rootKey, "session-csrf");
  const tokenKeys = new TokenKeys({ database, sealer, stored: storedTokenKeys, publisher, clock, random });
  const secrets = { tokenKeys, sealer, csrfKey };
  const recorded = { audit, dataEvents };
  return { rootKeyId: rootKey.id, store, firstAdministrator, keys, publisher, settings, ...recorded, ...secrets };
}

/** What log-in stands on. */
interface LogInState extends Pick<SessionPlaneOptions, "database" | "logIns" | "sealer" | "csrfKey" | "settings"> {
  readonly audit: AuditTrail;
  readonly publisher: SnapshotPublisher;
}

/** Log-in, sessions and the guard, and the first password, which takes its time while the rest starts. */
function openLogIns(
  { audit, publisher, ...state }: LogInState,
  options: ControlOptions,
): Pick<ControlParts, "session" | "firstPassword" | "place"> {
  const { clock, random, log, firstLogIn } = options;
  const place = { consolePort: options.consoleListen.port };
  const hasher = new PasswordHasher(options.passwordCost);
  const common = { ...state, recordAudit: audit.record, recordDenial: audit.recordDenial, hasher, clock, random, log };
  const session = openSessionPlane({
    ...common,
    allowsCaller: makeAllowsCaller({ publisher, clock }),
    port: () => place.consolePort,
  });
  const firstPassword = ensureFirstPassword({ ...common, rules: state.settings(), given: firstLogIn.password });
  // Whoever starts the server waits for it; who only opens the state need not.
  firstPassword.catch(() => undefined);
  return { session, firstPassword, place };
}

/** STS and the list of its sessions, which take turns. */
function openSts(
  {
    database,
    publisher,
    tokenKeys,
    secondFactors,
    settings,
    audit,
    turns,
  }: Pick<OpenedState, "publisher" | "tokenKeys" | "settings" | "audit"> &
    Pick<Probed, "database"> &
    Pick<SessionPlane, "secondFactors"> & { readonly turns: SerialQueue },
  { clock, random }: ControlOptions,
): { readonly service: Sts; readonly sessions: StsSessions } {
  const shared = { database, publisher, clock, record: audit.record, turns };
  const maxSeconds = () => settings.current["security.sts_max_session_duration"];
  const service = new Sts({ ...shared, tokenKeys, random, secondFactors, maxSeconds, limits: identityLimits });
  return { service, sessions: new StsSessions(shared) };
}

/** Measures and keeps what the console draws over time. */
function openHistory(
  { database, ...storage }: Pick<Probed, "database"> & Pick<HistoryMeterOptions, "usages" | "buckets">,
  { clock, metricsSource: source = { threads: () => [] } }: ControlOptions,
): MetricsHistory {
  return new MetricsHistory({ database, clock, makeMeter: () => new HistoryMeter({ ...storage, source, clock }) });
}

/** Measures what the console draws of now, while somebody looks. */
function openLiveFeed(
  storage: Pick<LiveMeterOptions, "usages" | "buckets">,
  { clock, metricsSource: source = { threads: () => [] } }: ControlOptions,
): LiveFeed {
  return new LiveFeed({ clock, makeMeter: () => new LiveMeter({ ...storage, source, clock }) });
}

/** What the control thread's own probes ask. */
interface Probed {
  readonly database: ControlDatabase;
  readonly publisher: SnapshotPublisher;
  readonly problems: CatalogProblems;
  /** Of the key the server runs with. */
  readonly rootKeyId: string;
  readonly audit: AuditTrail;
}

function openReadiness(
  { database, publisher, problems, rootKeyId, audit }: Probed,
  options: ControlOptions,
): Readiness {
  const { clock, log, dataDir, random } = options;
  const nextStart = { dataDir, given: options.rootKey, wantedId: rootKeyId, hasObjects: true, random };
  const own: readonly ReadinessProbe[] = [
    { name: "control.db", check: () => database.probe() },
    { name: "snapshot", check: () => publisher.whenCurrent() },
    // Clients of S3 are served without changes of users, buckets and settings.
    { name: "audit", isPartial: true, check: () => audit.check() },
    { name: "buckets", isPartial: true, check: () => problems.check() },
    // All goes on without the file, until the next start is refused and nobody has the key any more.
    { name: "root.key", isPartial: true, check: async () => void openRootKey(nextStart) },
  ];
  return new Readiness({
    probes: [...own, ...options.probes],
    clock,
    onChange: ({ name, status }, reason) => {
      log.write(status === "ok" ? "info" : "warn", "Readiness changed", { check: name, status, reason });
    },
  });
}
