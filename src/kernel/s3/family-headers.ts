/**
 * Names of the headers of the guarded families, grouped as the operations of the API reference take them. Lower case.
 * The event holds of newer models (`x-amz-object-lock-event-hold*`) are absent on purpose: no operation here knows them.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, API_CopyObject.html, API_CreateBucket.html
 */

/** ACL of a new object. */
const objectAclHeaders: readonly string[] = [
  "x-amz-acl",
  "x-amz-grant-full-control",
  "x-amz-grant-read",
  "x-amz-grant-read-acp",
  "x-amz-grant-write-acp",
];

/** ACL of a bucket, and of PutObjectAcl. */
export const fullAclHeaders: readonly string[] = [...objectAclHeaders, "x-amz-grant-write"];

/** Customer-provided key (SSE-C) of the object. */
export const customerKeyHeaders: readonly string[] = [
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-server-side-encryption-customer-key",
  "x-amz-server-side-encryption-customer-key-md5",
];

/** Customer-provided key (SSE-C) of a copy's source. */
export const sourceCustomerKeyHeaders: readonly string[] = [
  "x-amz-copy-source-server-side-encryption-customer-algorithm",
  "x-amz-copy-source-server-side-encryption-customer-key",
  "x-amz-copy-source-server-side-encryption-customer-key-md5",
];

/** Encryption with keys of the server. */
export const managedKeyHeaders: readonly string[] = [
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-context",
  "x-amz-server-side-encryption-bucket-key-enabled",
];

/** Object Lock of a new object. */
const objectLockHeaders: readonly string[] = [
  "x-amz-object-lock-mode",
  "x-amz-object-lock-retain-until-date",
  "x-amz-object-lock-legal-hold",
];

/** All that fixes the state of a new object: ACL, encryption, lock. */
export const newObjectHeaders: readonly string[] = [
  ...objectAclHeaders,
  ...managedKeyHeaders,
  ...customerKeyHeaders,
  ...objectLockHeaders,
];
