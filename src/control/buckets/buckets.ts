import type { Clock } from "#kernel/base/clock.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import type { CallOrigin, ControlCall } from "#kernel/protocol/to-control.ts";
import { parseBucketName } from "#kernel/s3/bucket-name.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { KeyedQueue } from "../database/keyed-queue.ts";
import { boundOf } from "../iam/identity-limits.ts";
import type { Log } from "../observe/log.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import type { BucketCatalogs } from "./bucket-catalogs.ts";
import { bucketEvent } from "./bucket-event.ts";
import {
  countBuckets,
  findBucketByName,
  forgetDeleted,
  insertBucket,
  listDeleted,
  moveToDeleted,
  readUnfinishedBuckets,
  type StoredBucket,
  setBucketState,
} from "./bucket-store.ts";

/** What the feature stands on. */
export interface BucketsOptions {
  readonly database: ControlDatabase;
  readonly publisher: SnapshotPublisher;
  readonly catalogs: BucketCatalogs;
  readonly clock: Clock;
  /** A fresh ULID. */
  readonly makeId: () => string;
  readonly log: Log;
  readonly record: RecordAudit;
}

/** Stores a change of a bucket and gives the entry as it is then. */
export type BucketChange = (queries: ControlQueries, entry: BucketEntry) => Promise<BucketEntry>;

/** A bucket to be made, as a worker asks for it. */
export type NewBucket = Extract<ControlCall, { readonly kind: "createBucket" }>;

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html; our limit. */
const maxBucketsPerTenant = 1000;

/** A deleted bucket's folder stays this long for readers that are still in it. */
const graceMs = 3_600_000;
/** Folders that are removed in one go at most, and how long it may take: other upkeep waits for it. */
const maxRemovedFolders = 10_000;
const removalBudgetMs = 20_000;

/**
 * Making and deleting buckets in steps that survive a crash: the name is taken first (`creating`), then the catalog is
 * made, then the bucket is `active` and published. Deleting marks it (`deleting`), closes the catalog if it is empty,
 * then gives the name free. Work on one name takes turns.
 */
export class Buckets {
  readonly #options: BucketsOptions;
  readonly #turns = new KeyedQueue();

  constructor(options: BucketsOptions) {
    this.#options = options;
  }

  /**
   * Makes a bucket for a tenant; every worker knows it when this resolves.
   * @throws S3Error InvalidBucketName, InvalidAccessKeyId, BucketAlreadyOwnedByYou, BucketAlreadyExists, TooManyBuckets,
   * or what the catalog writer failed with.
   */
  async createBucket(bucket: NewBucket): Promise<BucketEntry> {
    const name = parseBucketName(bucket.name);
    return this.#turns.run(name, async () => {
      const entry = await this.#takeName(bucket);
      await this.#finishCreation(entry, bucket.origin);
      return entry;
    });
  }

  /**
   * Deletes an empty bucket; no worker knows it any more when this resolves. A call that failed may be repeated.
   * @throws S3Error NoSuchBucket, InvalidAccessKeyId, BucketNotEmpty, or what the catalog writer failed with.
   */
  async deleteBucket(bucketId: string, origin?: CallOrigin): Promise<void> {
    const name = this.#options.publisher.buckets.get(bucketId)?.name;
    if (name === undefined) throw new S3Error("NoSuchBucket");
    await this.#turns.run(name, async () => {
      this.#requireLiveKey(origin);
      const found = await findBucketByName(this.#options.database, name);
      if (found?.entry.bucketId !== bucketId) throw new S3Error("NoSuchBucket", { fields: { BucketName: name } });
      await setBucketState(this.#options.database, bucketId, "deleting");
      if ((await this.#finishDeletion(found.entry, origin)) === "notEmpty") {
        throw new S3Error("BucketNotEmpty", { fields: { BucketName: name } });
      }
    });
  }

  /**
   * Changes what is known of a bucket while nobody else does; every worker knows it when this resolves.
   * @param change stores the change, and its audit event, in the transaction it is given @returns the entry to publish
   * @throws S3Error NoSuchBucket, or what `change` throws: nothing is stored then
   */
  async update(name: string, change: BucketChange): Promise<BucketEntry> {
    const { database, publisher } = this.#options;
    return this.#turns.run(name, async () => {
      const value = await database.transaction(async (queries) => {
        const found = await findBucketByName(queries, name);
        if (found?.state !== "active") throw new S3Error("NoSuchBucket", { fields: { BucketName: name } });
        return change(queries, found.entry);
      });
      await publisher.publish([{ kind: "bucket", id: value.bucketId, value }]);
      return value;
    });
  }

  /** Finishes or undoes what a crash or a failure interrupted. What fails again stays for the next time. */
  async recover(): Promise<void> {
    const { database, log } = this.#options;
    for (const { entry } of await readUnfinishedBuckets(database)) {
      try {
        await this.#turns.run(entry.name, async () => {
          const found = await findBucketByName(database, entry.name);
          if (found?.entry.bucketId === entry.bucketId) await this.#resume(found);
        });
      } catch (error) {
        log.warn("An unfinished bucket could not be finished", { bucketId: entry.bucketId, error: String(error) });
      }
    }
  }

  /** Removes the folders of buckets deleted an hour ago or earlier, for 20 s at most. @returns how many it removed. */
  async removeDeleted(): Promise<number> {
    const { database, catalogs, clock, log } = this.#options;
    const endMs = clock.monotonicMs() + removalBudgetMs;
    let count = 0;
    for (const bucketId of await listDeleted(database, clock.nowMs() - graceMs, maxRemovedFolders)) {
      if (clock.monotonicMs() > endMs) break;
      try {
        await catalogs.remove(bucketId);
        await forgetDeleted(database, bucketId);
        count++;
      } catch (error) {
        log.warn("The folder of a deleted bucket could not be removed", { bucketId, error: String(error) });
      }
    }
    return count;
  }

  async #takeName(bucket: NewBucket): Promise<BucketEntry> {
    const { database, publisher, clock, makeId } = this.#options;
    const owner = publisher.entries("tenant").get(bucket.tenantId);
    if (owner?.status !== "active") throw new S3Error("AccountProblem");
    this.#requireLiveKey(bucket.origin);
    const leftover = await findBucketByName(database, bucket.name);
    if (leftover !== undefined && leftover.state !== "active") await this.#resume(leftover);
    return database.transaction(async (queries) => {
      const taken = await findBucketByName(queries, bucket.name);
      if (taken !== undefined) {
        const isOwn = taken.entry.tenantId === owner.tenantId;
        throw new S3Error(isOwn ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists", {
          fields: { BucketName: bucket.name },
        });
      }
      const bound = boundOf(owner.limits.maxBuckets, maxBucketsPerTenant);
      if ((await countBuckets(queries, owner.tenantId)) >= bound) throw new S3Error("TooManyBuckets");
      const entry: BucketEntry = {
        bucketId: makeId(),
        name: bucket.name,
        tenantId: owner.tenantId,
        accountId: owner.accountId,
        ownerCanonicalId: owner.canonicalId,
        ownerDisplayName: owner.displayName,
        region: bucket.region,
        createdAtMs: clock.nowMs(),
        versioning: "never",
        tags: bucket.tags,
        quota: {},
      };
      await insertBucket(queries, entry);
      return entry;
    });
  }

  async #resume({ entry, state }: StoredBucket): Promise<void> {
    if (state === "creating") await this.#finishCreation(entry);
    if (state === "deleting") await this.#finishDeletion(entry);
  }

  async #finishCreation(entry: BucketEntry, origin?: CallOrigin): Promise<void> {
    const { database, publisher, catalogs, clock, record } = this.#options;
    try {
      await catalogs.create(entry.bucketId, entry.tenantId);
    } catch (error) {
      const deleted = { bucketId: entry.bucketId, deletedAtMs: clock.nowMs() };
      await database.transaction((queries) => moveToDeleted(queries, deleted));
      throw error;
    }
    await database.transaction(async (queries) => {
      await setBucketState(queries, entry.bucketId, "active");
      await record(queries, bucketEvent("s3:CreateBucket", entry, origin));
    });
    await publisher.publish([{ kind: "bucket", id: entry.bucketId, value: entry }]);
  }

  async #finishDeletion(entry: BucketEntry, origin?: CallOrigin): Promise<"deleted" | "notEmpty"> {
    const { database, publisher, catalogs, clock, record } = this.#options;
    const { bucketId } = entry;
    if ((await catalogs.close(bucketId)) === "notEmpty") {
      await setBucketState(database, bucketId, "active");
      return "notEmpty";
    }
    await database.transaction(async (queries) => {
      await moveToDeleted(queries, { bucketId, deletedAtMs: clock.nowMs() });
      await record(queries, bucketEvent("s3:DeleteBucket", entry, origin));
    });
    await publisher.publish([{ kind: "bucket", id: bucketId, value: null }]);
    return "deleted";
  }

  /** A call may have waited while its key was taken away. Temporary keys are not among the stored ones. */
  #requireLiveKey(origin: CallOrigin | undefined): void {
    if (origin === undefined || origin.accessKeyId.startsWith("ASIA")) return;
    if (this.#options.publisher.keys.get(origin.accessKeyId)?.enabled !== true) throw new S3Error("InvalidAccessKeyId");
  }
}
