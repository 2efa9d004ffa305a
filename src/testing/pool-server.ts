import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "#data/blobs/disk.ts";
import { versioningState } from "#data/catalog/sqlite-catalog/bucket-state.ts";
import { BucketWriter } from "#data/catalog/sqlite-catalog/bucket-writer.ts";
import { createCatalog } from "#data/catalog/sqlite-catalog/open-catalog.ts";
import { checkDataFolder } from "#data/check/check-data-folder.ts";
import type { WorkerLife } from "#data/pool/data-workers.ts";
import { openPool, type Pool } from "#data/pool.ts";
import { systemClock } from "#kernel/base/clock.ts";
import { slotCell } from "#kernel/metrics/slot-layout.ts";
import type { BucketQuota, KeyEntry, KeyLimits, TenantLimits } from "#kernel/protocol/identities.ts";
import type { Usage } from "#kernel/protocol/quota.ts";
import type { BucketEntry, DataSettings, Snapshot, SnapshotChange } from "#kernel/protocol/snapshot.ts";
import { BucketClient } from "./acceptance/bucket-client.ts";
import { S3Client } from "./acceptance/s3-client.ts";
import { testDataSettings } from "./data-settings.ts";
import { entriesWith, type Grant, testKey, testTenant, userWith } from "./identities.ts";

/** What the server starts with; there is no control plane that could change it. */
export interface PoolServerOptions {
  /** Buckets and their versioning; a bucket's name is its id too. */
  readonly buckets: Readonly<Record<string, BucketEntry["versioning"]>>;
  /** Keys beside the administrator's: secret is `secret-` and the id. */
  readonly keys?: Readonly<Record<string, readonly Grant[]>>;
  readonly settings?: Partial<DataSettings>;
  /** Quotas of buckets, by name. */
  readonly quotas?: Readonly<Record<string, BucketQuota>>;
  /** Bounds of the one tenant. */
  readonly limits?: TenantLimits;
  /** Bounds of keys, by id. */
  readonly keyLimits?: Readonly<Record<string, KeyLimits>>;
  /** 1 when absent. */
  readonly workerCount?: number;
  /** Fills a bucket's catalog before the server starts. */
  readonly prepare?: (writer: BucketWriter) => void;
}

const keys = [{ version: 1, key: new Uint8Array(32).fill(7) }];
const everything = [{ actions: ["*"], resources: ["*"] }];
const administratorId = "AKIAADMINISTRATOR000";

/** The data plane's own threads without a control plane: real writer, real worker, fixed keys and buckets. */
export class PoolServer {
  readonly dataDir: string;
  readonly s3: S3Client;
  readonly logged: string[];
  readonly #pool: Pool;
  readonly #lives: readonly WorkerLife[];
  #number = 1;

  constructor(parts: { dataDir: string; pool: Pool; lives: readonly WorkerLife[]; s3Port: number; logged: string[] }) {
    this.#lives = parts.lives;
    this.dataDir = parts.dataDir;
    this.#pool = parts.pool;
    this.logged = parts.logged;
    this.s3 = new S3Client(parts.s3Port, credentialsOf(administratorId));
  }

  /** A bucket as the administrator, or the holder of another key, talks to it. */
  bucket(name: string, accessKeyId: string = administratorId): BucketClient {
    return new BucketClient(accessKeyId === administratorId ? this.s3 : this.client(accessKeyId), name);
  }

  /** A client of its own for the holder of a key. */
  client(accessKeyId: string): S3Client {
    return new S3Client(this.s3.port, credentialsOf(accessKeyId));
  }

  /** Sends the worker a message whose handling throws: a snapshot that is none, which the types would refuse. */
  breakWorker(): void {
    const life = this.#lives.at(-1);
    if (life) Reflect.apply(life.send, life, [{ kind: "snapshot" }]);
  }

  /** Ends the worker's thread as the pool does with one that does not answer; resolves when it runs no more. */
  async endWorker(): Promise<void> {
    const life = this.#lives.at(-1);
    if (life) await this.#pool.endWorker(life, "A test ends it");
  }

  /** Changes the control state as the control thread would. */
  publish(changes: readonly SnapshotChange[]): void {
    this.#number += 1;
    for (const life of this.#lives) life.send({ kind: "delta", delta: { number: this.#number, changes } });
  }

  /** What a bucket holds, as the writer says. */
  async usage(name: string): Promise<Usage | undefined> {
    return (await this.#pool.catalogs.usage([name])).get(name);
  }

  /** How often the worker was started again. */
  restartCount(): number {
    return this.#pool.threads()[0]?.restartCount ?? 0;
  }

  /** Exceptions nobody caught in the worker. */
  uncaughtCount(): number {
    const slot = this.#pool.threads()[0]?.slot;
    return slot === undefined ? 0 : (new Float64Array(slot)[slotCell.exceptions] ?? 0);
  }

  /** Stops the threads and verifies every row and byte of the folder. @returns the problems found, one line each */
  async stopAndCheck(): Promise<readonly string[]> {
    this.s3.close();
    await this.#pool.stop({ stallMs: 0, totalMs: 0 });
    const lines: string[] = [];
    const report = (line: string) => lines.push(line);
    const { dataDir } = this;
    const own = { dataDir, keys, bucketNames: new Map<string, string>(), isServed: false };
    const result = await checkDataFolder({ ...own, disk: nodeDisk, clock: systemClock, report });
    return result.problems === 0 ? [] : lines;
  }

  /** Ends the threads and removes the folder. */
  async remove(): Promise<void> {
    this.s3.close();
    await this.#pool.end();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** Starts a writer and one data worker on a fresh folder and a free port. */
export async function startPoolServer(options: PoolServerOptions): Promise<PoolServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "maxiofs-pool-"));
  for (const [bucketId, versioning] of Object.entries(options.buckets))
    makeCatalog({ dataDir, bucketId, versioning, prepare: options.prepare });
  const logged: string[] = [];
  const pool = await openPool({
    dataDir,
    workerUrl: new URL("../data/worker.ts", import.meta.url),
    writerUrl: new URL("../data/writer/writer.ts", import.meta.url),
    writerSettings: { historyWindowMs: 3_600_000, reserveBytes: 0 },
    monotonicMs: systemClock.monotonicMs,
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  pool.catalogs.own(Object.keys(options.buckets).map((bucketId) => [bucketId, testTenant.tenantId]));
  const lives: WorkerLife[] = [];
  const attach = (life: WorkerLife): Snapshot => {
    lives.push(life);
    return makeSnapshot(options);
  };
  const { s3Port } = await pool.startWorkers({
    workerCount: options.workerCount ?? 1,
    listen: { s3Host: "127.0.0.1", s3Port: 0, idleTimeoutSeconds: 60, maxConnections: 1_000 },
    keys,
    link: { attach, detach: () => {}, receive: () => {} },
  });
  return new PoolServer({ dataDir, pool, lives, s3Port, logged });
}

interface CatalogToMake {
  readonly dataDir: string;
  readonly bucketId: string;
  readonly versioning: BucketEntry["versioning"];
  readonly prepare: PoolServerOptions["prepare"];
}

function makeCatalog({ dataDir, bucketId, versioning, prepare }: CatalogToMake): void {
  createCatalog(dataDir, bucketId);
  const writer = new BucketWriter({ dataDir, bucketId, clock: systemClock, minPartBytes: 1 });
  writer.setVersioning(versioningState[versioning]);
  prepare?.(writer);
  writer.close();
}

function makeSnapshot(options: PoolServerOptions): Snapshot {
  const { buckets, keys: others = {}, settings = {}, quotas = {}, limits = {}, keyLimits = {} } = options;
  const defaults = testDataSettings;
  return {
    number: 1,
    entries: entriesWith({
      tenant: [{ ...testTenant, limits }],
      user: [userWith(everything, { userId: userIdOf(administratorId) })].concat(
        Object.entries(others).map(([id, grants]) =>
          userWith(grants, { userId: userIdOf(id), name: id.toLowerCase() }),
        ),
      ),
      key: [administratorId, ...Object.keys(others)].map((id) => ({ ...makeKey(id), limits: keyLimits[id] ?? {} })),
      bucket: Object.entries(buckets).map(([name, versioning]) => ({
        ...makeBucket(name, versioning),
        quota: quotas[name] ?? {},
      })),
    }),
    settings: { ...defaults, "storage.reserve_bytes": 0, ...settings },
  };
}

function makeKey(accessKeyId: string): KeyEntry {
  const { secretKey } = credentialsOf(accessKeyId);
  return { ...testKey, accessKeyId, secretKey, userId: userIdOf(accessKeyId) };
}

function userIdOf(accessKeyId: string): string {
  return `AIDA${accessKeyId}`;
}

function makeBucket(name: string, versioning: BucketEntry["versioning"]): BucketEntry {
  return {
    bucketId: name,
    name,
    tenantId: "tenant",
    accountId: "123456789012",
    ownerCanonicalId: "c".repeat(64),
    ownerDisplayName: "owner",
    region: "us-east-1",
    createdAtMs: 0,
    versioning,
    tags: [],
    quota: {},
  };
}

function credentialsOf(accessKeyId: string): { accessKeyId: string; secretKey: string } {
  return { accessKeyId, secretKey: `secret-${accessKeyId}` };
}
