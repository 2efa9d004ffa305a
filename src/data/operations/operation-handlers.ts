import type { OperationName } from "#kernel/s3/operation-name.ts";
import { operationTable } from "#kernel/s3/operation-table.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { S3Request } from "../http/s3-request.ts";
import { createBucket } from "./create-bucket.ts";
import { deleteBucket } from "./delete-bucket.ts";
import { deleteObject } from "./delete-object.ts";
import { getBucketLocation } from "./get-bucket-location.ts";
import { getObject } from "./get-object.ts";
import { headBucket } from "./head-bucket.ts";
import { headObject } from "./head-object.ts";
import { listBuckets } from "./list-buckets.ts";
import { putObject } from "./put-object.ts";

/** Answers one operation; what it throws is rendered by the caller. */
export type OperationHandler = (request: S3Request) => Promise<void> | void;

const handlers: Readonly<Partial<Record<OperationName, OperationHandler>>> = {
  CreateBucket: createBucket,
  DeleteBucket: deleteBucket,
  DeleteObject: deleteObject,
  GetBucketLocation: getBucketLocation,
  GetObject: getObject,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBuckets: listBuckets,
  PutObject: putObject,
};

/** The handler of an operation; those that are not there yet answer 501, those that are never configured say so. */
export function findHandler(name: OperationName): OperationHandler {
  return handlers[name] ?? refuse;
}

/** @throws S3Error NotImplemented, or the code with which a read says that nothing is configured */
function refuse(request: S3Request): never {
  const spec = operationTable[request.spec.name];
  if (spec.emptyCode !== undefined) throw new S3Error(spec.emptyCode);
  throw new S3Error("NotImplemented", { message: spec.reason ?? `${spec.name} is not implemented` });
}
