import type { S3ErrorCode } from "#kernel/s3/error-code.ts";
import type { OperationName } from "#kernel/s3/operation-name.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

/**
 * Answers of reads whose configuration cannot be set yet: what is in force, or the very code clients know as "nothing
 * configured". Source: the Amazon S3 API reference, one page per operation, and its page on defaults of new buckets.
 */
const answers = {
  GetBucketAccelerateConfiguration: { root: "AccelerateConfiguration", content: "" },
  GetBucketCors: "NoSuchCORSConfiguration",
  GetBucketEncryption: {
    root: "ServerSideEncryptionConfiguration",
    content:
      "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>",
  },
  GetBucketInventoryConfiguration: "NoSuchConfiguration",
  GetBucketLifecycleConfiguration: "NoSuchLifecycleConfiguration",
  GetBucketLogging: { root: "BucketLoggingStatus", content: "" },
  GetBucketNotificationConfiguration: { root: "NotificationConfiguration", content: "" },
  GetBucketOwnershipControls: {
    root: "OwnershipControls",
    content: "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>",
  },
  GetBucketPolicy: "NoSuchBucketPolicy",
  GetBucketPolicyStatus: { root: "PolicyStatus", content: "<IsPublic>false</IsPublic>" },
  GetBucketReplication: "ReplicationConfigurationNotFoundError",
  GetBucketRequestPayment: { root: "RequestPaymentConfiguration", content: "<Payer>BucketOwner</Payer>" },
  GetBucketWebsite: "NoSuchWebsiteConfiguration",
  GetObjectLockConfiguration: "ObjectLockConfigurationNotFoundError",
  GetPublicAccessBlock: {
    root: "PublicAccessBlockConfiguration",
    content:
      "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>",
  },
  ListBucketAnalyticsConfigurations: {
    root: "ListBucketAnalyticsConfigurationResult",
    content: "<IsTruncated>false</IsTruncated>",
  },
  ListBucketIntelligentTieringConfigurations: {
    root: "ListBucketIntelligentTieringConfigurationsOutput",
    content: "<IsTruncated>false</IsTruncated>",
  },
  ListBucketInventoryConfigurations: {
    root: "ListInventoryConfigurationsResult",
    content: "<IsTruncated>false</IsTruncated>",
  },
  ListBucketMetricsConfigurations: {
    root: "ListMetricsConfigurationsResult",
    content: "<IsTruncated>false</IsTruncated>",
  },
} as const satisfies Partial<Record<OperationName, S3ErrorCode | { readonly root: string; readonly content: string }>>;

/** Names of the operations answered here. */
type EmptyConfigurationName = keyof typeof answers;

/** One handler per operation whose answer is the same for every bucket. */
export const emptyConfigurationHandlers: Readonly<Record<EmptyConfigurationName, (request: S3Request) => void>> =
  makeHandlers();

function makeHandlers(): Record<EmptyConfigurationName, (request: S3Request) => void> {
  const entries = Object.entries(answers).map(([name, answer]) => [name, makeHandler(answer)] as const);
  return Object.fromEntries(entries) as Record<EmptyConfigurationName, (request: S3Request) => void>;
}

function makeHandler(
  answer: S3ErrorCode | { readonly root: string; readonly content: string },
): (request: S3Request) => void {
  if (typeof answer === "string") {
    return () => {
      throw new S3Error(answer);
    };
  }
  const document = renderXmlDocument(answer.root, answer.content);
  return (request) => respondXml(request, document);
}
