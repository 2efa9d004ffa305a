import { fullAclHeaders } from "./family-headers.ts";
import { defineOperation, type OperationAnswer, type OperationRequest, type OperationSpec } from "./operation.ts";
import type { ConfigurationOperationName } from "./operation-name.ts";
import { onBucket } from "./required-action.ts";

interface ConfigurationExtras {
  readonly wave?: 1 | 2 | 3;
  readonly answer?: OperationAnswer;
  readonly parameters?: readonly string[];
  readonly familyHeaders?: readonly string[];
}

/** A row of wave 2 with one action on the bucket: `s3:` and the operation's name, unless `action` names another. */
function configuration(
  name: ConfigurationOperationName,
  request: OperationRequest,
  { action, ...extras }: ConfigurationExtras & { readonly action?: string } = {},
): OperationSpec {
  return defineOperation(name, request, { wave: 2, actions: [onBucket(action ?? `s3:${name}`)], ...extras });
}

const readLifecycle = { action: "s3:GetLifecycleConfiguration" };
const writeLifecycle = { action: "s3:PutLifecycleConfiguration" };
const readEncryption = { action: "s3:GetEncryptionConfiguration" };
const writeEncryption = { action: "s3:PutEncryptionConfiguration" };
const readReplication = { action: "s3:GetReplicationConfiguration" };
const writeReplication = { action: "s3:PutReplicationConfiguration" };
const readInventory = { action: "s3:GetInventoryConfiguration" };
const writeInventory = { action: "s3:PutInventoryConfiguration" };
const writePublicAccessBlock = { action: "s3:PutBucketPublicAccessBlock" };
const writeCors = { action: "s3:PutBucketCORS" };

/** Rows of a bucket's configuration documents. Source: the Amazon S3 API reference, one page per operation. */
export const configurationOperations: Readonly<Record<ConfigurationOperationName, OperationSpec>> = {
  GetBucketVersioning: configuration("GetBucketVersioning", "GET B?versioning"),
  PutBucketVersioning: configuration("PutBucketVersioning", "PUT B?versioning"),
  GetBucketTagging: configuration("GetBucketTagging", "GET B?tagging"),
  PutBucketTagging: configuration("PutBucketTagging", "PUT B?tagging"),
  DeleteBucketTagging: configuration("DeleteBucketTagging", "DELETE B?tagging", { action: "s3:PutBucketTagging" }),
  GetBucketAcl: configuration("GetBucketAcl", "GET B?acl"),
  PutBucketAcl: configuration("PutBucketAcl", "PUT B?acl", { familyHeaders: fullAclHeaders }),
  GetBucketOwnershipControls: configuration("GetBucketOwnershipControls", "GET B?ownershipControls"),
  PutBucketOwnershipControls: configuration("PutBucketOwnershipControls", "PUT B?ownershipControls"),
  DeleteBucketOwnershipControls: configuration("DeleteBucketOwnershipControls", "DELETE B?ownershipControls", {
    action: "s3:PutBucketOwnershipControls",
  }),
  GetPublicAccessBlock: configuration("GetPublicAccessBlock", "GET B?publicAccessBlock", {
    action: "s3:GetBucketPublicAccessBlock",
  }),
  PutPublicAccessBlock: configuration("PutPublicAccessBlock", "PUT B?publicAccessBlock", writePublicAccessBlock),
  DeletePublicAccessBlock: configuration(
    "DeletePublicAccessBlock",
    "DELETE B?publicAccessBlock",
    writePublicAccessBlock,
  ),
  GetBucketPolicy: configuration("GetBucketPolicy", "GET B?policy"),
  PutBucketPolicy: configuration("PutBucketPolicy", "PUT B?policy"),
  DeleteBucketPolicy: configuration("DeleteBucketPolicy", "DELETE B?policy"),
  GetBucketPolicyStatus: configuration("GetBucketPolicyStatus", "GET B?policyStatus"),
  GetBucketCors: configuration("GetBucketCors", "GET B?cors", { action: "s3:GetBucketCORS" }),
  PutBucketCors: configuration("PutBucketCors", "PUT B?cors", writeCors),
  DeleteBucketCors: configuration("DeleteBucketCors", "DELETE B?cors", writeCors),
  GetBucketLifecycleConfiguration: configuration("GetBucketLifecycleConfiguration", "GET B?lifecycle", readLifecycle),
  PutBucketLifecycleConfiguration: configuration("PutBucketLifecycleConfiguration", "PUT B?lifecycle", writeLifecycle),
  DeleteBucketLifecycle: configuration("DeleteBucketLifecycle", "DELETE B?lifecycle", writeLifecycle),
  GetBucketEncryption: configuration("GetBucketEncryption", "GET B?encryption", readEncryption),
  PutBucketEncryption: configuration("PutBucketEncryption", "PUT B?encryption", writeEncryption),
  DeleteBucketEncryption: configuration("DeleteBucketEncryption", "DELETE B?encryption", writeEncryption),
  GetObjectLockConfiguration: configuration("GetObjectLockConfiguration", "GET B?object-lock", {
    action: "s3:GetBucketObjectLockConfiguration",
  }),
  PutObjectLockConfiguration: configuration("PutObjectLockConfiguration", "PUT B?object-lock", {
    action: "s3:PutBucketObjectLockConfiguration",
  }),
  GetBucketWebsite: configuration("GetBucketWebsite", "GET B?website"),
  PutBucketWebsite: configuration("PutBucketWebsite", "PUT B?website"),
  DeleteBucketWebsite: configuration("DeleteBucketWebsite", "DELETE B?website"),
  GetBucketLogging: configuration("GetBucketLogging", "GET B?logging"),
  PutBucketLogging: configuration("PutBucketLogging", "PUT B?logging"),
  GetBucketNotificationConfiguration: configuration("GetBucketNotificationConfiguration", "GET B?notification", {
    action: "s3:GetBucketNotification",
  }),
  PutBucketNotificationConfiguration: configuration("PutBucketNotificationConfiguration", "PUT B?notification", {
    action: "s3:PutBucketNotification",
  }),
  GetBucketReplication: configuration("GetBucketReplication", "GET B?replication", readReplication),
  PutBucketReplication: configuration("PutBucketReplication", "PUT B?replication", writeReplication),
  DeleteBucketReplication: configuration("DeleteBucketReplication", "DELETE B?replication", writeReplication),
  GetBucketRequestPayment: configuration("GetBucketRequestPayment", "GET B?requestPayment"),
  PutBucketRequestPayment: configuration("PutBucketRequestPayment", "PUT B?requestPayment"),
  GetBucketInventoryConfiguration: configuration(
    "GetBucketInventoryConfiguration",
    "GET B?inventory&id",
    readInventory,
  ),
  PutBucketInventoryConfiguration: configuration(
    "PutBucketInventoryConfiguration",
    "PUT B?inventory&id",
    writeInventory,
  ),
  DeleteBucketInventoryConfiguration: configuration(
    "DeleteBucketInventoryConfiguration",
    "DELETE B?inventory&id",
    writeInventory,
  ),
  ListBucketInventoryConfigurations: configuration("ListBucketInventoryConfigurations", "GET B?inventory", {
    ...readInventory,
    parameters: ["continuation-token"],
  }),
  GetBucketAccelerateConfiguration: configuration("GetBucketAccelerateConfiguration", "GET B?accelerate", {
    action: "s3:GetAccelerateConfiguration",
    wave: 3,
    answer: "empty",
  }),
  PutBucketAccelerateConfiguration: configuration("PutBucketAccelerateConfiguration", "PUT B?accelerate", {
    action: "s3:PutAccelerateConfiguration",
    wave: 3,
  }),
  GetBucketAbac: configuration("GetBucketAbac", "GET B?abac", { action: "s3:GetBucketABAC", wave: 3 }),
  PutBucketAbac: configuration("PutBucketAbac", "PUT B?abac", { action: "s3:PutBucketABAC", wave: 3 }),
};
