import { bucketOperations, serviceOperations } from "./bucket-operations.ts";
import { configurationOperations } from "./configuration-operations.ts";
import { inertOperations } from "./inert-operations.ts";
import { multipartOperations } from "./multipart-operations.ts";
import { objectOperations } from "./object-operations.ts";
import type { OperationSpec } from "./operation.ts";
import type { DeprecatedOperationName, OperationName } from "./operation-name.ts";

/**
 * The operation table: what each operation of the S3 port answers to, which actions it needs, what it may carry. The
 * dispatcher, the authorisation and their tests all read this one table.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html for requests,
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html for actions.
 */
export const operationTable: Readonly<Record<OperationName, OperationSpec>> = {
  ...serviceOperations,
  ...bucketOperations,
  ...configurationOperations,
  ...objectOperations,
  ...multipartOperations,
  ...inertOperations,
};

/** Every row of the table. */
export const operations: readonly OperationSpec[] = Object.values(operationTable);

/** The operation that answers a deprecated one: both have one wire form. */
export const deprecatedOperations: Readonly<Record<DeprecatedOperationName, OperationName>> = {
  GetBucketLifecycle: "GetBucketLifecycleConfiguration",
  PutBucketLifecycle: "PutBucketLifecycleConfiguration",
  GetBucketNotification: "GetBucketNotificationConfiguration",
  PutBucketNotification: "PutBucketNotificationConfiguration",
};
