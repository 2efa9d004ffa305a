import type { BucketQuota } from "./identities.ts";

/** Whose a bucket is. */
export type BucketOwner = readonly [bucketId: string, tenantId: string];

/** What a bucket or a tenant holds. */
export interface Usage {
  /** Bytes of all versions and of the parts of open uploads. */
  readonly bytes: number;
  /** Visible keys. */
  readonly objects: number;
}

/** The bounds that apply to a mutation; absent where there is none. */
export interface MutationQuota {
  /** Owner of the bucket. */
  readonly tenantId: string;
  readonly tenant?: BucketQuota;
  readonly bucket?: BucketQuota;
}

/**
 * What a change would break: it adds bytes or objects, and there would be more than the bound. What adds nothing always
 * fits, also where there is too much already.
 * @param usage before the change
 * @param growth what the change adds; negative when it frees
 */
export function findExceeded(bound: BucketQuota, usage: Usage, growth: Usage): "bytes" | "objects" | undefined {
  const { maxBytes = null, maxObjects = null } = bound;
  if (maxBytes !== null && growth.bytes > 0 && usage.bytes + growth.bytes > maxBytes) return "bytes";
  if (maxObjects !== null && growth.objects > 0 && usage.objects + growth.objects > maxObjects) return "objects";
  return undefined;
}
