import type { BucketQuota } from "#kernel/protocol/identities.ts";
import type { MutationQuota } from "#kernel/protocol/quota.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import type { SnapshotStore } from "../snapshot-store.ts";

/** The bounds of a bucket and its tenant; undefined when there are none. */
export function findQuota(
  snapshot: Pick<SnapshotStore, "findTenant">,
  { quota, tenantId }: Pick<BucketEntry, "quota" | "tenantId">,
): MutationQuota | undefined {
  const limits = snapshot.findTenant(tenantId)?.limits;
  const bucket = hasBound(quota) ? boundOf(quota) : undefined;
  const tenant = limits && hasBound(limits) ? boundOf(limits) : undefined;
  if (bucket === undefined && tenant === undefined) return undefined;
  return { tenantId, ...(tenant && { tenant }), ...(bucket && { bucket }) };
}

function hasBound({ maxBytes, maxObjects }: BucketQuota): boolean {
  return typeof maxBytes === "number" || typeof maxObjects === "number";
}

function boundOf({ maxBytes = null, maxObjects = null }: BucketQuota): BucketQuota {
  return { maxBytes, maxObjects };
}
