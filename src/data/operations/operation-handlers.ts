import type { OperationName } from "#kernel/s3/operation-name.ts";
import { operationTable } from "#kernel/s3/operation-table.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { S3Request } from "../request/s3-request.ts";
import { abortMultipartUpload } from "./abort-multipart-upload.ts";
import { appendObject } from "./append-object.ts";
import { completeMultipartUpload } from "./complete-multipart-upload.ts";
import { copyObject } from "./copy-object.ts";
import { createBucket } from "./create-bucket.ts";
import { createMultipartUpload } from "./create-multipart-upload.ts";
import { deleteBucket } from "./delete-bucket.ts";
import { deleteObject } from "./delete-object.ts";
import { deleteObjects } from "./delete-objects.ts";
import { emptyConfigurationHandlers } from "./empty-configuration.ts";
import { getBucketAcl } from "./get-bucket-acl.ts";
import { getBucketLocation } from "./get-bucket-location.ts";
import { getBucketTagging } from "./get-bucket-tagging.ts";
import { getBucketVersioning } from "./get-bucket-versioning.ts";
import { getObject } from "./get-object.ts";
import { getObjectAcl } from "./get-object-acl.ts";
import { getObjectLockFacts } from "./get-object-lock-facts.ts";
import { getObjectTagging } from "./get-object-tagging.ts";
import { headBucket } from "./head-bucket.ts";
import { headObject } from "./head-object.ts";
import { listBuckets } from "./list-buckets.ts";
import { listMultipartUploads } from "./list-multipart-uploads.ts";
import { listObjectVersions } from "./list-object-versions.ts";
import { listObjects } from "./list-objects.ts";
import { listObjectsV2 } from "./list-objects-v2.ts";
import { listParts } from "./list-parts.ts";
import { preflight } from "./preflight.ts";
import { putBucketAcl } from "./put-bucket-acl.ts";
import { putObject } from "./put-object.ts";
import { putObjectAcl } from "./put-object-acl.ts";
import { uploadPart } from "./upload-part.ts";
import { uploadPartCopy } from "./upload-part-copy.ts";

/** Answers one operation; what it throws is rendered by the caller. */
export type OperationHandler = (request: S3Request) => Promise<void> | void;

const handlers: Readonly<Partial<Record<OperationName, OperationHandler>>> = {
  ...emptyConfigurationHandlers,
  GetBucketAcl: getBucketAcl,
  GetBucketTagging: getBucketTagging,
  GetBucketVersioning: getBucketVersioning,
  GetObjectAcl: getObjectAcl,
  GetObjectTagging: getObjectTagging,
  ListMultipartUploads: listMultipartUploads,
  ListObjectVersions: listObjectVersions,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  PutBucketAcl: putBucketAcl,
  PutObjectAcl: putObjectAcl,
  Preflight: preflight,
  GetObjectRetention: getObjectLockFacts,
  GetObjectLegalHold: getObjectLockFacts,
  CreateBucket: createBucket,
  DeleteBucket: deleteBucket,
  DeleteObject: deleteObject,
  GetBucketLocation: getBucketLocation,
  GetObject: getObject,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBuckets: listBuckets,
  PutObject: putOrAppend,
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateMultipartUpload: createMultipartUpload,
  DeleteObjects: deleteObjects,
  ListParts: listParts,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
};

/** The handler of an operation; those that are not there yet answer 501, those that are never configured say so. */
export function findHandler(name: OperationName): OperationHandler {
  return handlers[name] ?? refuse;
}

/** A write at an offset is a PutObject on the wire. */
function putOrAppend(request: S3Request): Promise<void> {
  return request.header("x-amz-write-offset-bytes") === undefined ? putObject(request) : appendObject(request);
}

/** @throws S3Error NotImplemented, or the code with which a read says that nothing is configured */
function refuse(request: S3Request): never {
  const spec = operationTable[request.spec.name];
  if (spec.emptyCode !== undefined) throw new S3Error(spec.emptyCode);
  throw new S3Error("NotImplemented", { message: spec.reason ?? `${spec.name} is not implemented` });
}
