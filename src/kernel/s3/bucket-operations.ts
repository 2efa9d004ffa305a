import { fullAclHeaders } from "./family-headers.ts";
import { defineOperation, type OperationSpec } from "./operation.ts";
import type { BucketOperationName, ServiceOperationName } from "./operation-name.ts";
import { newObjectActions, onBucket, onKey, onKeyWhen } from "./required-action.ts";

const listParameters: readonly string[] = ["delimiter", "encoding-type", "max-keys", "prefix"];

/** Rows of the service level, and the preflight. Source: API_ListBuckets.html of the Amazon S3 API reference. */
export const serviceOperations: Readonly<Record<ServiceOperationName, OperationSpec>> = {
  ListBuckets: defineOperation("ListBuckets", "GET /", {
    wave: 1,
    actions: [{ action: "s3:ListAllMyBuckets", on: "service" }],
    parameters: ["max-buckets", "continuation-token", "prefix", "bucket-region"],
  }),
  Preflight: defineOperation("Preflight", "OPTIONS *", {
    wave: 2,
    actions: [],
  }),
};

/** Rows of buckets and their listings. Source: the Amazon S3 API reference, one page per operation. */
export const bucketOperations: Readonly<Record<BucketOperationName, OperationSpec>> = {
  CreateBucket: defineOperation("CreateBucket", "PUT B", {
    wave: 1,
    actions: [
      onBucket("s3:CreateBucket"),
      onBucket("s3:PutBucketAcl", "acl"),
      onBucket("s3:TagResource", "tagging"),
      onBucket("s3:PutBucketObjectLockConfiguration", "objectLock"),
      onBucket("s3:PutBucketVersioning", "objectLock"),
      onBucket("s3:PutBucketOwnershipControls", "ownership"),
    ],
    familyHeaders: fullAclHeaders,
  }),
  HeadBucket: defineOperation("HeadBucket", "HEAD B", {
    wave: 1,
    actions: [onBucket("s3:ListBucket")],
  }),
  DeleteBucket: defineOperation("DeleteBucket", "DELETE B", {
    wave: 1,
    actions: [onBucket("s3:DeleteBucket")],
  }),
  GetBucketLocation: defineOperation("GetBucketLocation", "GET B?location", {
    wave: 1,
    actions: [onBucket("s3:GetBucketLocation")],
  }),
  ListObjects: defineOperation("ListObjects", "GET B", {
    wave: 1,
    actions: [onBucket("s3:ListBucket")],
    parameters: [...listParameters, "marker"],
  }),
  ListObjectsV2: defineOperation("ListObjectsV2", "GET B?list-type=2", {
    wave: 1,
    actions: [onBucket("s3:ListBucket")],
    parameters: [...listParameters, "continuation-token", "fetch-owner", "start-after", "metadata"],
  }),
  ListObjectVersions: defineOperation("ListObjectVersions", "GET B?versions", {
    wave: 1,
    actions: [onBucket("s3:ListBucketVersions")],
    parameters: [...listParameters, "key-marker", "version-id-marker"],
  }),
  DeleteObjects: defineOperation("DeleteObjects", "POST B?delete", {
    wave: 1,
    actions: [
      onKey("s3:DeleteObject", "s3:DeleteObjectVersion"),
      onKeyWhen("s3:BypassGovernanceRetention", "bypassesLock"),
    ],
  }),
  PostObject: defineOperation("PostObject", "POST B", {
    wave: 2,
    actions: newObjectActions,
  }),
  GetBucketZip: defineOperation("GetBucketZip", "GET B?maxiofs-zip", {
    wave: 3,
    actions: [onBucket("s3:ListBucket"), onKey("s3:GetObject")],
    parameters: ["prefix"],
  }),
  ListenBucketNotification: defineOperation("ListenBucketNotification", "GET B?events", {
    wave: 2,
    actions: [onBucket("s3:ListenBucketNotification")],
    parameters: ["prefix", "suffix", "ping"],
  }),
  PutReplica: defineOperation("PutReplica", "PUT B?maxiofs-replica", {
    wave: 2,
    actions: [
      onKey("s3:ReplicateObject"),
      onKeyWhen("s3:ReplicateDelete", "replicatesDelete"),
      onKeyWhen("s3:ReplicateTags", "replicatesTags"),
    ],
  }),
};
