import type { Usage } from "#kernel/protocol/quota.ts";
import type { TenantUsage } from "../catalog/sqlite-catalog/require-quota.ts";
import type { UsageTable } from "./usage-table.ts";

/** A catalog that could not be read is left alone for so long: somebody may hold it locked, and trying takes time. */
const retryMs = 10_000;

/** What a ledger stands on. */
export interface UsageLedgerOptions {
  readonly table: UsageTable;
  /** What the catalog of a bucket says, zero when there is none; may throw. */
  readonly read: (bucketId: string) => Usage;
  readonly monotonicMs: () => number;
}

const nothing: Usage = { bytes: 0, objects: 0 };

interface BucketSum {
  /** Undefined until its catalog was read or opened. */
  usage: Usage | undefined;
  tenantId: string | undefined;
  slot: number | undefined;
  unreadableUntilMs: number;
}

interface TenantSum {
  bytes: number;
  objects: number;
  slot: number | undefined;
  readonly buckets: Set<string>;
  /** Those of its buckets that the sum misses. */
  readonly unread: Set<string>;
}

/**
 * What every bucket holds, and its tenant: kept by the writer thread alone, so that a tenant's bound is exact over all of
 * its buckets. The numbers are those that catalogs store with each commit; a bucket that has not been opened yet is
 * read when somebody asks, or by `readSome`.
 */
export class UsageLedger implements TenantUsage {
  readonly #options: UsageLedgerOptions;
  readonly #table: UsageTable;
  readonly #buckets = new Map<string, BucketSum>();
  readonly #tenants = new Map<string, TenantSum>();
  /** Buckets that `readSome` has not come to. */
  readonly #waiting: string[] = [];

  constructor(options: UsageLedgerOptions) {
    this.#options = options;
    this.#table = options.table;
  }

  /** Says whose a bucket is. */
  own(bucketId: string, tenantId: string): void {
    const bucket = this.#bucket(bucketId);
    if (bucket.tenantId === tenantId) return;
    this.#leave(bucketId, bucket);
    bucket.tenantId = tenantId;
    const tenant = this.#tenant(tenantId);
    tenant.buckets.add(bucketId);
    if (bucket.usage) {
      this.#add(tenantId, tenant, bucket.usage);
      return;
    }
    tenant.unread.add(bucketId);
    this.#unpublish(tenant);
    this.#waiting.push(bucketId);
  }

  note(bucketId: string, usage: Usage): void {
    const bucket = this.#bucket(bucketId);
    const before = bucket.usage ?? nothing;
    if (bucket.usage && before.bytes === usage.bytes && before.objects === usage.objects) return;
    bucket.usage = usage;
    bucket.slot ??= this.#table.take(bucketId);
    if (bucket.slot !== undefined) this.#table.publish(bucket.slot, usage);
    const { tenantId } = bucket;
    if (tenantId === undefined) return;
    const tenant = this.#tenant(tenantId);
    tenant.unread.delete(bucketId);
    this.#add(tenantId, tenant, { bytes: usage.bytes - before.bytes, objects: usage.objects - before.objects });
  }

  /** What cannot be read counts nothing until it can: nobody can add to it meanwhile. */
  ofOthers(tenantId: string, bucketId: string): Usage {
    this.own(bucketId, tenantId);
    const tenant = this.#tenant(tenantId);
    for (const unread of tenant.unread) this.#tryRead(unread);
    const { bytes, objects } = this.#bucket(bucketId).usage ?? nothing;
    return { bytes: tenant.bytes - bytes, objects: tenant.objects - objects };
  }

  /** What a bucket holds as of its last commit; undefined when its catalog cannot be read. */
  find(bucketId: string): Usage | undefined {
    return this.#buckets.get(bucketId)?.usage ?? this.#tryRead(bucketId);
  }

  /** Reads up to `count` buckets that were not opened yet. @returns false when there is none left */
  readSome(count: number): boolean {
    // What fails now is tried again by who needs it.
    for (const bucketId of this.#waiting.splice(0, count)) if (this.#buckets.has(bucketId)) this.find(bucketId);
    return this.#waiting.length > 0;
  }

  /** The bucket is gone. */
  forget(bucketId: string): void {
    const bucket = this.#buckets.get(bucketId);
    if (!bucket) return;
    this.#leave(bucketId, bucket);
    if (bucket.slot !== undefined) this.#table.free(bucket.slot);
    this.#buckets.delete(bucketId);
  }

  #tryRead(bucketId: string): Usage | undefined {
    const { monotonicMs, read } = this.#options;
    if (monotonicMs() < (this.#buckets.get(bucketId)?.unreadableUntilMs ?? 0)) return undefined;
    try {
      const usage = read(bucketId);
      this.note(bucketId, usage);
      return usage;
    } catch {
      // Whoever opens it for a mutation or a request tells what is wrong with it.
      this.#bucket(bucketId).unreadableUntilMs = monotonicMs() + retryMs;
      return undefined;
    }
  }

  #bucket(bucketId: string): BucketSum {
    const found = this.#buckets.get(bucketId);
    if (found) return found;
    const made: BucketSum = { usage: undefined, tenantId: undefined, slot: undefined, unreadableUntilMs: 0 };
    this.#buckets.set(bucketId, made);
    return made;
  }

  #tenant(tenantId: string): TenantSum {
    const found = this.#tenants.get(tenantId);
    if (found) return found;
    const made: TenantSum = { bytes: 0, objects: 0, slot: undefined, buckets: new Set(), unread: new Set() };
    this.#tenants.set(tenantId, made);
    return made;
  }

  #leave(bucketId: string, { tenantId, usage }: BucketSum): void {
    if (tenantId === undefined) return;
    const tenant = this.#tenant(tenantId);
    tenant.buckets.delete(bucketId);
    tenant.unread.delete(bucketId);
    if (usage) this.#add(tenantId, tenant, { bytes: -usage.bytes, objects: -usage.objects });
    if (tenant.buckets.size > 0) return;
    this.#unpublish(tenant);
    this.#tenants.delete(tenantId);
  }

  #add(tenantId: string, tenant: TenantSum, growth: Usage): void {
    tenant.bytes += growth.bytes;
    tenant.objects += growth.objects;
    if (tenant.unread.size > 0) return;
    tenant.slot ??= this.#table.take(tenantId);
    if (tenant.slot !== undefined) this.#table.publish(tenant.slot, tenant);
  }

  /** A sum that misses something would let workers take for room what is none; they leave it to the commit then. */
  #unpublish(tenant: TenantSum): void {
    if (tenant.slot !== undefined) this.#table.free(tenant.slot);
    tenant.slot = undefined;
  }
}
