import type { BucketQuota } from "#kernel/protocol/identities.ts";
import type { Usage } from "#kernel/protocol/quota.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { ControlError } from "../http/control-error.ts";
import type { CatalogUsage } from "./bucket-catalogs.ts";
import { findBucketByName, readBucketRevision, setBucketQuota } from "./bucket-store.ts";
import type { Buckets } from "./buckets.ts";

/** What the feature stands on. */
export interface BucketQuotasOptions {
  readonly database: ControlDatabase;
  readonly buckets: Buckets;
  readonly catalogs: CatalogUsage;
  readonly record: RecordAudit;
}

/** A quota with the revision of its bucket. */
export interface ShownQuota {
  readonly quota: BucketQuota;
  readonly revision: number;
}

/** A bucket as a caller names it: one of another tenant is not there. */
export interface NamedBucket {
  readonly name: string;
  readonly tenantId: string;
}

/** A quota that takes the place of the one before. */
export interface NewQuota {
  readonly quota: BucketQuota;
  /** The one that was read; undefined: whatever it is. */
  readonly revision: number | undefined;
  readonly origin: Pick<AuditEvent, "actor" | "requestId" | "address" | "agent" | "via">;
}

/** Bounds of single buckets, and what they hold. */
export class BucketQuotas {
  readonly #options: BucketQuotasOptions;

  constructor(options: BucketQuotasOptions) {
    this.#options = options;
  }

  /** @throws ControlError NotFound */
  async read(bucket: NamedBucket): Promise<ShownQuota> {
    const { database } = this.#options;
    const { bucketId, quota } = await this.#find(bucket);
    return { quota, revision: await readBucketRevision(database, bucketId) };
  }

  /** What a bucket holds as of its last commit. @throws ControlError NotFound, Unavailable when nobody can say */
  async readUsage(bucket: NamedBucket): Promise<Usage> {
    const { bucketId } = await this.#find(bucket);
    const usages = await this.#options.catalogs.usage([bucketId]).catch(rethrow);
    const usage = usages.get(bucketId);
    if (usage === undefined) throw new ControlError("Unavailable", "The bucket's catalog cannot be read");
    return usage;
  }

  /**
   * Sets a quota; every worker keeps it when this resolves. It may be below what the bucket holds: nothing is deleted, what
   * would add to it is refused.
   * @throws ControlError NotFound, PreconditionFailed
   */
  async set(bucket: NamedBucket, { quota, revision, origin }: NewQuota): Promise<ShownQuota> {
    const { buckets, record } = this.#options;
    const { bucketId } = await this.#find(bucket);
    let next = 0;
    const update = buckets.update(bucket.name, async (queries, entry) => {
      if (entry.bucketId !== bucketId) throw new ControlError("NotFound");
      const current = await readBucketRevision(queries, bucketId);
      if (revision !== undefined && revision !== current) throw new ControlError("PreconditionFailed");
      next = current + 1;
      await setBucketQuota(queries, bucketId, quota);
      await record(queries, quotaEvent(entry, quota, origin));
      return { ...entry, quota };
    });
    await update.catch(rethrow);
    return { quota, revision: next };
  }

  async #find({ name, tenantId }: NamedBucket): Promise<BucketEntry> {
    const found = await findBucketByName(this.#options.database, name);
    if (found?.state !== "active" || found.entry.tenantId !== tenantId) throw new ControlError("NotFound");
    return found.entry;
  }
}

/** The data plane's errors in the control API's words. */
function rethrow(error: unknown): never {
  if (!(error instanceof S3Error)) throw error;
  if (error.code === "NoSuchBucket") throw new ControlError("NotFound");
  throw new ControlError(error.status === 503 ? "Unavailable" : "InternalError");
}

function quotaEvent(entry: BucketEntry, after: BucketQuota, origin: NewQuota["origin"]): AuditEvent {
  const { bucketId: id, name, tenantId, quota: before } = entry;
  return {
    tenantId,
    ...origin,
    action: "maxiofs:SetBucketQuota",
    resource: { kind: "bucket", id, name, arn: `arn:aws:s3:::${name}` },
    outcome: "success",
    change: { quota: { before, after } },
  };
}
