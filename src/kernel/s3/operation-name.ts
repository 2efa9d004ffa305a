/**
 * Every operation the S3 port knows: the service model's, then those outside the model, then ours. Deprecated names of the
 * same wire form are in `DeprecatedOperationName`.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
export type OperationName =
  | ServiceOperationName
  | BucketOperationName
  | ConfigurationOperationName
  | ObjectOperationName
  | MultipartOperationName
  | InertOperationName;

/** Operations on the service itself, the preflight of any URL included. */
export type ServiceOperationName = "ListBuckets" | "Preflight";

/** Operations on a bucket and its listings; `GetBucketZip`, `ListenBucketNotification` and `PutReplica` are ours. */
export type BucketOperationName =
  | "CreateBucket"
  | "HeadBucket"
  | "DeleteBucket"
  | "GetBucketLocation"
  | "ListObjects"
  | "ListObjectsV2"
  | "ListObjectVersions"
  | "DeleteObjects"
  | "PostObject"
  | "GetBucketZip"
  | "ListenBucketNotification"
  | "PutReplica";

/** Operations on one document of a bucket's configuration. */
export type ConfigurationOperationName =
  | "GetBucketVersioning"
  | "PutBucketVersioning"
  | "GetBucketTagging"
  | "PutBucketTagging"
  | "DeleteBucketTagging"
  | "GetBucketAcl"
  | "PutBucketAcl"
  | "GetBucketOwnershipControls"
  | "PutBucketOwnershipControls"
  | "DeleteBucketOwnershipControls"
  | "GetPublicAccessBlock"
  | "PutPublicAccessBlock"
  | "DeletePublicAccessBlock"
  | "GetBucketPolicy"
  | "PutBucketPolicy"
  | "DeleteBucketPolicy"
  | "GetBucketPolicyStatus"
  | "GetBucketCors"
  | "PutBucketCors"
  | "DeleteBucketCors"
  | "GetBucketLifecycleConfiguration"
  | "PutBucketLifecycleConfiguration"
  | "DeleteBucketLifecycle"
  | "GetBucketEncryption"
  | "PutBucketEncryption"
  | "DeleteBucketEncryption"
  | "GetObjectLockConfiguration"
  | "PutObjectLockConfiguration"
  | "GetBucketWebsite"
  | "PutBucketWebsite"
  | "DeleteBucketWebsite"
  | "GetBucketLogging"
  | "PutBucketLogging"
  | "GetBucketNotificationConfiguration"
  | "PutBucketNotificationConfiguration"
  | "GetBucketReplication"
  | "PutBucketReplication"
  | "DeleteBucketReplication"
  | "GetBucketRequestPayment"
  | "PutBucketRequestPayment"
  | "GetBucketInventoryConfiguration"
  | "PutBucketInventoryConfiguration"
  | "DeleteBucketInventoryConfiguration"
  | "ListBucketInventoryConfigurations"
  | "GetBucketAccelerateConfiguration"
  | "PutBucketAccelerateConfiguration"
  | "GetBucketAbac"
  | "PutBucketAbac";

/** Operations on one object. */
export type ObjectOperationName =
  | "PutObject"
  | "GetObject"
  | "HeadObject"
  | "DeleteObject"
  | "CopyObject"
  | "GetObjectAttributes"
  | "RenameObject"
  | "GetObjectTagging"
  | "PutObjectTagging"
  | "DeleteObjectTagging"
  | "GetObjectAcl"
  | "PutObjectAcl"
  | "GetObjectRetention"
  | "PutObjectRetention"
  | "GetObjectLegalHold"
  | "PutObjectLegalHold"
  | "SelectObjectContent"
  | "RestoreObject"
  | "GetObjectTorrent"
  | "UpdateObjectEncryption";

/** Operations of multipart uploads. */
export type MultipartOperationName =
  | "ListMultipartUploads"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "UploadPartCopy"
  | "ListParts"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload";

/** Operations of features that do not exist here: "nothing configured" or 501. */
export type InertOperationName =
  | "GetBucketAnalyticsConfiguration"
  | "ListBucketAnalyticsConfigurations"
  | "PutBucketAnalyticsConfiguration"
  | "DeleteBucketAnalyticsConfiguration"
  | "GetBucketMetricsConfiguration"
  | "ListBucketMetricsConfigurations"
  | "PutBucketMetricsConfiguration"
  | "DeleteBucketMetricsConfiguration"
  | "GetBucketIntelligentTieringConfiguration"
  | "ListBucketIntelligentTieringConfigurations"
  | "PutBucketIntelligentTieringConfiguration"
  | "DeleteBucketIntelligentTieringConfiguration"
  | "CreateBucketMetadataConfiguration"
  | "GetBucketMetadataConfiguration"
  | "DeleteBucketMetadataConfiguration"
  | "CreateBucketMetadataTableConfiguration"
  | "GetBucketMetadataTableConfiguration"
  | "DeleteBucketMetadataTableConfiguration"
  | "UpdateBucketMetadataInventoryTableConfiguration"
  | "UpdateBucketMetadataJournalTableConfiguration"
  | "UpdateBucketMetadataAnnotationTableConfiguration"
  | "CreateSession"
  | "ListDirectoryBuckets"
  | "WriteGetObjectResponse"
  | "PutObjectAnnotation"
  | "GetObjectAnnotation"
  | "ListObjectAnnotations"
  | "DeleteObjectAnnotation";

/** Names the service model keeps for an older form of the same request; the dispatcher never answers with them. */
export type DeprecatedOperationName =
  | "GetBucketLifecycle"
  | "PutBucketLifecycle"
  | "GetBucketNotification"
  | "PutBucketNotification";
