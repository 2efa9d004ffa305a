import { findExceeded, type MutationQuota, type Usage } from "#kernel/protocol/quota.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { versioningState } from "./bucket-state.ts";
import type { CommitContext } from "./bucket-writer.ts";
import type { VersionRow } from "./statements.ts";
import { findNull, isVisible } from "./version-rows.ts";

/** Sums of a tenant's buckets, kept by the one thread that writes. */
export interface TenantUsage {
  /** What a bucket holds as of its last commit. */
  note(bucketId: string, usage: Usage): void;
  /** What the tenant's buckets hold but for this one, which is the tenant's from now on. */
  ofOthers(tenantId: string, bucketId: string): Usage;
}

/**
 * Refuses a mutation that would pass a bound. Called inside the transaction, before anything is written.
 * @param growth what the mutation adds to the bucket
 * @throws S3Error QuotaExceeded
 */
export function requireQuota(context: CommitContext, quota: MutationQuota | undefined, growth: Usage): void {
  if (!quota) return;
  const { bytes, partBytes, objects } = context.state.now;
  const own = { bytes: bytes + partBytes, objects };
  if (quota.bucket) refuseExceeded(findExceeded(quota.bucket, own, growth), "bucket");
  if (!quota.tenant) return;
  const others = context.tenants.ofOthers(quota.tenantId, context.bucketId);
  const all = { bytes: own.bytes + others.bytes, objects: own.objects + others.objects };
  refuseExceeded(findExceeded(quota.tenant, all, growth), "tenant");
}

/** What a new version on top of `newest` adds: the version it replaces goes. */
export function versionGrowth(
  context: CommitContext,
  version: { readonly key: string; readonly sizeBytes: number },
  newest: VersionRow | undefined,
): Usage {
  const keepsOld = context.state.now.versioning === versioningState.enabled;
  // A marker has no bytes: its row's size is 0.
  const replacedBytes = keepsOld ? 0 : (findNull(context, version.key, newest)?.[2] ?? 0);
  return { bytes: version.sizeBytes - replacedBytes, objects: 1 - Number(isVisible(newest)) };
}

/** @throws S3Error QuotaExceeded, saying whose bound it is and of what */
export function refuseExceeded(exceeded: "bytes" | "objects" | undefined, owner: "bucket" | "tenant"): void {
  if (exceeded)
    throw new S3Error("QuotaExceeded", {
      message: `The quota of the ${owner} would be exceeded: too many ${exceeded}`,
    });
}
