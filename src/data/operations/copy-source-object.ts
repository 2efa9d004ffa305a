import { versionFlag } from "#kernel/protocol/mutation.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { evaluateCopySourceConditions } from "#kernel/s3/conditional-request.ts";
import { type CopySource, parseCopySource } from "#kernel/s3/copy-source.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { ObjectVersion } from "../catalog/catalog.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import { type ObjectMeta, parseObjectMeta } from "../object-meta.ts";
import { askedObject, asksObjectTags } from "../request/load-object-tags.ts";
import type { ResponseHeaders } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { openObjectKey, parseCustomerKey } from "./encryption-request.ts";

const customerKeyPrefix = "x-amz-copy-source-server-side-encryption-customer-";
const expectedOwnerHeader = "x-amz-source-expected-bucket-owner";

/** A version that a copy may read: permission, conditions and key were checked. */
export interface CopySourceObject {
  readonly bucket: BucketEntry;
  readonly source: CopySource;
  /** With its inline ciphertext, if it is small. */
  readonly version: ObjectVersion;
  readonly meta: ObjectMeta;
  readonly dataKey: Uint8Array;
}

/**
 * The version that `x-amz-copy-source` names.
 * @throws S3Error InvalidArgument, InvalidRequest (a marker named by id, SSE-C key missing), NoSuchBucket, AccessDenied,
 * NoSuchKey, NoSuchVersion, PreconditionFailed
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export async function findCopySource(request: S3Request): Promise<CopySourceObject> {
  // Nobody copies without a signature, whatever a policy says.
  if (request.identity.kind === "anonymous") throw new S3Error("AccessDenied");
  const source = parseCopySource(request.header("x-amz-copy-source") ?? "");
  const customerKey = parseCustomerKey(request, customerKeyPrefix);
  const bucket = request.plane.snapshot.findBucket(source.bucket);
  if (!bucket) throw new S3Error("NoSuchBucket", { fields: { BucketName: source.bucket } });
  const { key, versionId } = source;
  const action = versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  const expectedOwner = request.header(expectedOwnerHeader);
  if (expectedOwner !== undefined && expectedOwner !== bucket.accountId && expectedOwner !== bucket.ownerCanonicalId) {
    const reason = `The bucket has another owner than ${expectedOwnerHeader} names`;
    throw request.refuseFor(reason, { action, bucket, key });
  }
  // The version that is judged is the one that is read.
  const looked = asksObjectTags(request) ? await lookUp(request, bucket, source) : undefined;
  request.requireFor(askedObject(looked, versionId), { action, bucket, key });
  const version = requirePresent(request, { bucket, source }, looked ?? (await lookUp(request, bucket, source)));
  const meta = parseObjectMeta(version.meta);
  const refused = { action, bucket, key };
  const dataKey = openObjectKey(request, { bucketId: bucket.bucketId, key, stored: meta, customerKey, refused });
  evaluateCopySourceConditions(request.headers, {
    etag: version.etag,
    lastModifiedMs: hlcToMs(version.hlc),
    nowMs: request.plane.clock.nowMs(),
  });
  return { bucket, source, version, meta, dataKey };
}

/** `x-amz-copy-source-version-id`, when the source's bucket has versions. */
export function copySourceHeaders({ bucket, version }: CopySourceObject): ResponseHeaders {
  if (bucket.versioning === "never") return {};
  return { "x-amz-copy-source-version-id": version.versionId ?? "null" };
}

function lookUp(
  { plane: { catalog } }: S3Request,
  { bucketId }: BucketEntry,
  { key, versionId }: CopySource,
): Promise<ObjectVersion | undefined> {
  return versionId === undefined
    ? catalog.findNewest(bucketId, key, true)
    : catalog.findVersion(bucketId, { key, versionId, withBody: true });
}

function requirePresent(
  request: S3Request,
  { bucket, source }: Pick<CopySourceObject, "bucket" | "source">,
  version: ObjectVersion | undefined,
): ObjectVersion {
  const { key, versionId } = source;
  if (version && (version.flags & versionFlag.marker) === 0) return version;
  if (version && versionId !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "The source of a copy request may not specifically refer to a delete marker by version id",
    });
  }
  request.require("s3:ListBucket", bucket);
  if (versionId !== undefined) throw new S3Error("NoSuchVersion", { fields: { Key: key, VersionId: versionId } });
  throw new S3Error("NoSuchKey", { fields: { Key: key } });
}
