import { versionFlag } from "#kernel/protocol/mutation.ts";
import { findExceeded, type MutationQuota, type Usage } from "#kernel/protocol/quota.ts";
import { refuseExceeded } from "../catalog/sqlite-catalog/require-quota.ts";
import type { S3Request } from "../request/s3-request.ts";
import { findQuota } from "./mutation-quota.ts";

const nothing: Usage = { bytes: 0, objects: 0 };

/**
 * Refuses an upload that cannot fit, before a byte of it is read, by what the writer has published. What is not known yet,
 * and what others store meanwhile, is judged in the commit.
 * @param growth bytes that are announced, and objects that may be added
 * @param findReplaced what goes when it is stored; asked only when there is no room beside it
 * @returns undefined when it fits as it is
 * @throws S3Error QuotaExceeded, as rejection
 */
export function requireQuotaRoom(
  request: S3Request,
  growth: Usage,
  findReplaced: () => Promise<Usage>,
): Promise<void> | undefined {
  const quota = findQuota(request.plane.snapshot, request.bucket);
  if (!quota || findOverrun(request, quota, growth) === undefined) return undefined;
  return requireWithout(request, { quota, growth, findReplaced });
}

async function requireWithout(
  request: S3Request,
  { quota, growth, findReplaced }: { quota: MutationQuota; growth: Usage; findReplaced: () => Promise<Usage> },
): Promise<void> {
  const { bytes, objects } = await findReplaced();
  const overrun = findOverrun(request, quota, { bytes: growth.bytes - bytes, objects: growth.objects - objects });
  if (overrun) refuseExceeded(overrun.exceeded, overrun.owner);
}

/** What a new version of the request's key replaces. */
export async function replacedVersion(request: S3Request): Promise<Usage> {
  const { bucket, key, plane } = request;
  const newest = await plane.catalog.findNewest(bucket.bucketId, key, false);
  if (!newest) return nothing;
  const objects = newest.flags & versionFlag.marker ? 0 : 1;
  if (bucket.versioning === "enabled") return { bytes: 0, objects };
  const isNull = bucket.versioning === "never" || (newest.flags & versionFlag.nullVersion) !== 0;
  const wanted = { key, versionId: "null", withBody: false };
  const old = isNull ? newest : await plane.catalog.findVersion(bucket.bucketId, wanted);
  return { bytes: old?.sizeBytes ?? 0, objects };
}

/** What a part of this number replaces. */
export async function replacedPart(request: S3Request, uploadId: string, partNumber: number): Promise<Usage> {
  const { bucket, plane } = request;
  const [part] = await plane.catalog.listParts(bucket.bucketId, uploadId, { marker: partNumber - 1, limit: 1 });
  return { bytes: part?.partNumber === partNumber ? part.sizeBytes : 0, objects: 0 };
}

function findOverrun(request: S3Request, quota: MutationQuota, growth: Usage) {
  const { usage } = request.plane;
  const { bucketId, tenantId } = request.bucket;
  const ofBucket = quota.bucket && findExceeded(quota.bucket, usage.find(bucketId) ?? nothing, growth);
  if (ofBucket) return { exceeded: ofBucket, owner: "bucket" } as const;
  const ofTenant = quota.tenant && findExceeded(quota.tenant, usage.find(tenantId) ?? nothing, growth);
  return ofTenant && ({ exceeded: ofTenant, owner: "tenant" } as const);
}
