import { mkdirSync } from "node:fs";
import { BucketWriter, type PendingMutation } from "#data/catalog/sqlite-catalog/bucket-writer.ts";
import { createCatalog } from "#data/catalog/sqlite-catalog/open-catalog.ts";
import { encodeFlags, type ObjectMeta } from "#data/object-meta.ts";
import type { Clock } from "#kernel/base/clock.ts";
import type { Mutation, PutMutation } from "#kernel/protocol/mutation.ts";

/** Which catalog is filled, and with what. */
export interface SeedOptions {
  /** Data folder; made when it is missing. */
  readonly dataDir: string;
  readonly bucketId: string;
  /** Applied in their order, in transactions of 2,000. */
  readonly mutations: Iterable<Mutation>;
  /** 0 never, 1 enabled, 2 suspended; 0 when absent. */
  readonly versioning?: number;
}

/** Mutations per transaction. */
const seedBatch = 2000;

const seedStartMs = Date.UTC(2026, 0, 2, 3, 4, 5);
/** Objects that share a second of LastModified. */
const objectsPerSecond = 500;
const batchesPerCheckpoint = 25;
const body = new Uint8Array(17);
const meta: ObjectMeta = {
  headers: { "content-type": "binary/octet-stream" },
  user: [],
  storageClass: "STANDARD",
  checksum: { algorithm: "CRC64NVME", type: "FULL_OBJECT", value: "AAAAAAAAAAA=" },
  key: { version: 1, sealed: "A".repeat(80) },
};
const metaJson = JSON.stringify(meta);
const flags = encodeFlags(meta.checksum, meta.storageClass);

/** A put of a tiny object. Its bytes do not decrypt: for tests of the catalog and of listings. */
export function seedPut(bucketId: string, key: string): PutMutation {
  return {
    kind: "put",
    bucketId,
    key,
    requestId: "SEED",
    principal: "arn:aws:iam::000000000000:user/seed",
    sizeBytes: 1,
    etag: new Bun.CryptoHasher("md5").update(key).digest("hex"),
    flags,
    meta: metaJson,
    attributes: null,
    bytes: { kind: "inline", slice: [0, body.length] },
    conditions: null,
  };
}

/**
 * Makes a bucket's catalog (or goes on filling it) with the writer's own code, but without syncing: about 30,000 objects per
 * second. Times are those of a clock that begins at a fixed second.
 * @throws Error when a mutation is refused
 */
export function seedCatalog({ dataDir, bucketId, mutations, versioning = 0 }: SeedOptions): void {
  mkdirSync(dataDir, { recursive: true });
  createCatalog(dataDir, bucketId);
  const clock = createSeedClock();
  const writer = new BucketWriter({ dataDir, bucketId, clock, minPartBytes: 0 });
  writer.database.exec("PRAGMA synchronous = OFF");
  writer.setVersioning(versioning);
  let batch: PendingMutation[] = [];
  let batchCount = 0;
  const flush = () => {
    for (const result of writer.commit(batch)) if (!result.ok) throw new Error(`Seeding was refused: ${result.code}`);
    batch = [];
    batchCount += 1;
    if (batchCount % batchesPerCheckpoint === 0) writer.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  };
  for (const mutation of mutations) {
    batch.push({ mutation, bytes: body });
    if (batch.length === seedBatch) flush();
  }
  flush();
  writer.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  writer.close();
}

function createSeedClock(): Clock {
  let calls = 0;
  const nowMs = () => seedStartMs + Math.floor((calls++ * 1000) / objectsPerSecond);
  return { nowMs, monotonicMs: () => calls };
}
