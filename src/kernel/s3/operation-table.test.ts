import { describe, expect, test } from "bun:test";
import { operationMethods } from "./operation.ts";
import { deprecatedOperations, operations, operationTable } from "./operation-table.ts";

/**
 * Wave, answer, name, actions of every operation the specification lists. Actions are written as in its table: without
 * `s3:`, `/` before the one that replaces it when a version is named, `@` a resource other than the URL's own, `?` a
 * condition.
 */
const specified = `
1 full ListBuckets ListAllMyBuckets
2 full Preflight 
1 full CreateBucket CreateBucket PutBucketAcl?acl TagResource?tagging PutBucketObjectLockConfiguration?objectLock PutBucketVersioning?objectLock PutBucketOwnershipControls?ownership
1 full HeadBucket ListBucket
1 full DeleteBucket DeleteBucket
1 full GetBucketLocation GetBucketLocation
1 full ListObjects ListBucket
1 full ListObjectsV2 ListBucket
1 full ListObjectVersions ListBucketVersions
1 full DeleteObjects DeleteObject/DeleteObjectVersion@key BypassGovernanceRetention@key?bypassesLock
2 full PostObject PutObject@key PutObjectAcl@key?acl PutObjectTagging@key?tagging PutObjectRetention@key?retention PutObjectLegalHold@key?legalHold
3 full GetBucketZip ListBucket GetObject@key
2 full ListenBucketNotification ListenBucketNotification
2 full PutReplica ReplicateObject@key ReplicateDelete@key?replicatesDelete ReplicateTags@key?replicatesTags
2 full GetBucketVersioning GetBucketVersioning
2 full PutBucketVersioning PutBucketVersioning
2 full GetBucketTagging GetBucketTagging
2 full PutBucketTagging PutBucketTagging
2 full DeleteBucketTagging PutBucketTagging
2 full GetBucketAcl GetBucketAcl
2 full PutBucketAcl PutBucketAcl
2 full GetBucketOwnershipControls GetBucketOwnershipControls
2 full PutBucketOwnershipControls PutBucketOwnershipControls
2 full DeleteBucketOwnershipControls PutBucketOwnershipControls
2 full GetPublicAccessBlock GetBucketPublicAccessBlock
2 full PutPublicAccessBlock PutBucketPublicAccessBlock
2 full DeletePublicAccessBlock PutBucketPublicAccessBlock
2 full GetBucketPolicy GetBucketPolicy
2 full PutBucketPolicy PutBucketPolicy
2 full DeleteBucketPolicy DeleteBucketPolicy
2 full GetBucketPolicyStatus GetBucketPolicyStatus
2 full GetBucketCors GetBucketCORS
2 full PutBucketCors PutBucketCORS
2 full DeleteBucketCors PutBucketCORS
2 full GetBucketLifecycleConfiguration GetLifecycleConfiguration
2 full PutBucketLifecycleConfiguration PutLifecycleConfiguration
2 full DeleteBucketLifecycle PutLifecycleConfiguration
2 full GetBucketEncryption GetEncryptionConfiguration
2 full PutBucketEncryption PutEncryptionConfiguration
2 full DeleteBucketEncryption PutEncryptionConfiguration
2 full GetObjectLockConfiguration GetBucketObjectLockConfiguration
2 full PutObjectLockConfiguration PutBucketObjectLockConfiguration
2 full GetBucketWebsite GetBucketWebsite
2 full PutBucketWebsite PutBucketWebsite
2 full DeleteBucketWebsite DeleteBucketWebsite
2 full GetBucketLogging GetBucketLogging
2 full PutBucketLogging PutBucketLogging
2 full GetBucketNotificationConfiguration GetBucketNotification
2 full PutBucketNotificationConfiguration PutBucketNotification
2 full GetBucketReplication GetReplicationConfiguration
2 full PutBucketReplication PutReplicationConfiguration
2 full DeleteBucketReplication PutReplicationConfiguration
2 full GetBucketRequestPayment GetBucketRequestPayment
2 full PutBucketRequestPayment PutBucketRequestPayment
2 full GetBucketInventoryConfiguration GetInventoryConfiguration
2 full PutBucketInventoryConfiguration PutInventoryConfiguration
2 full DeleteBucketInventoryConfiguration PutInventoryConfiguration
2 full ListBucketInventoryConfigurations GetInventoryConfiguration
3 empty GetBucketAccelerateConfiguration GetAccelerateConfiguration
3 full PutBucketAccelerateConfiguration PutAccelerateConfiguration
3 full GetBucketAbac GetBucketABAC
3 full PutBucketAbac PutBucketABAC
1 full PutObject PutObject PutObjectAcl?acl PutObjectTagging?tagging PutObjectRetention?retention PutObjectLegalHold?legalHold
1 full GetObject GetObject/GetObjectVersion
1 full HeadObject GetObject/GetObjectVersion
1 full DeleteObject DeleteObject/DeleteObjectVersion BypassGovernanceRetention?bypassesLock
1 full CopyObject PutObject PutObjectAcl?acl PutObjectTagging?tagging PutObjectRetention?retention PutObjectLegalHold?legalHold GetObject/GetObjectVersion@source GetObjectTagging/GetObjectVersionTagging@source?copiesTags
2 full GetObjectAttributes GetObject/GetObjectVersion GetObjectAttributes/GetObjectVersionAttributes
2 full RenameObject PutObject GetObject@source DeleteObject@source
2 full GetObjectTagging GetObjectTagging/GetObjectVersionTagging
2 full PutObjectTagging PutObjectTagging/PutObjectVersionTagging
2 full DeleteObjectTagging DeleteObjectTagging/DeleteObjectVersionTagging
2 full GetObjectAcl GetObjectAcl/GetObjectVersionAcl
2 full PutObjectAcl PutObjectAcl/PutObjectVersionAcl
2 full GetObjectRetention GetObjectRetention
2 full PutObjectRetention PutObjectRetention BypassGovernanceRetention?bypassesLock
2 full GetObjectLegalHold GetObjectLegalHold
2 full PutObjectLegalHold PutObjectLegalHold
2 full SelectObjectContent GetObject/GetObjectVersion
3 empty:InvalidObjectState RestoreObject RestoreObject
3 empty:NoSuchKey GetObjectTorrent GetObjectTorrent/GetObjectVersionTorrent
3 full UpdateObjectEncryption PutObject UpdateObjectEncryption
1 full ListMultipartUploads ListBucketMultipartUploads
1 full CreateMultipartUpload PutObject PutObjectAcl?acl PutObjectTagging?tagging PutObjectRetention?retention PutObjectLegalHold?legalHold
1 full UploadPart PutObject
1 full UploadPartCopy PutObject GetObject/GetObjectVersion@source
1 full ListParts ListMultipartUploadParts
1 full CompleteMultipartUpload PutObject
1 full AbortMultipartUpload AbortMultipartUpload
3 empty:NoSuchConfiguration GetBucketAnalyticsConfiguration GetAnalyticsConfiguration
3 empty ListBucketAnalyticsConfigurations GetAnalyticsConfiguration
3 notImplemented PutBucketAnalyticsConfiguration PutAnalyticsConfiguration
3 empty:NoSuchConfiguration DeleteBucketAnalyticsConfiguration PutAnalyticsConfiguration
3 empty:NoSuchConfiguration GetBucketMetricsConfiguration GetMetricsConfiguration
3 empty ListBucketMetricsConfigurations GetMetricsConfiguration
3 notImplemented PutBucketMetricsConfiguration PutMetricsConfiguration
3 empty:NoSuchConfiguration DeleteBucketMetricsConfiguration PutMetricsConfiguration
3 empty:NoSuchConfiguration GetBucketIntelligentTieringConfiguration GetIntelligentTieringConfiguration
3 empty ListBucketIntelligentTieringConfigurations GetIntelligentTieringConfiguration
3 notImplemented PutBucketIntelligentTieringConfiguration PutIntelligentTieringConfiguration
3 empty:NoSuchConfiguration DeleteBucketIntelligentTieringConfiguration PutIntelligentTieringConfiguration
3 notImplemented CreateBucketMetadataConfiguration CreateBucketMetadataTableConfiguration
3 notImplemented GetBucketMetadataConfiguration GetBucketMetadataTableConfiguration
3 notImplemented DeleteBucketMetadataConfiguration DeleteBucketMetadataTableConfiguration
3 notImplemented CreateBucketMetadataTableConfiguration CreateBucketMetadataTableConfiguration
3 notImplemented GetBucketMetadataTableConfiguration GetBucketMetadataTableConfiguration
3 notImplemented DeleteBucketMetadataTableConfiguration DeleteBucketMetadataTableConfiguration
3 notImplemented UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
3 notImplemented UpdateBucketMetadataJournalTableConfiguration UpdateBucketMetadataJournalTableConfiguration
3 notImplemented UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataAnnotationTableConfiguration
3 notImplemented CreateSession s3express:CreateSession
3 notImplemented ListDirectoryBuckets s3express:ListAllMyDirectoryBuckets
3 notImplemented WriteGetObjectResponse s3-object-lambda:WriteGetObjectResponse@service
3 notImplemented PutObjectAnnotation PutObjectAnnotation
3 notImplemented GetObjectAnnotation GetObjectAnnotation
3 notImplemented ListObjectAnnotations ListObjectAnnotations
3 notImplemented DeleteObjectAnnotation DeleteObjectAnnotation
`;

/** Operations of the public service model (116), those it keeps under deprecated names included. */
const deprecated = ["GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification"];
const outsideTheModel = ["Preflight", "PostObject", "GetBucketZip", "ListenBucketNotification", "PutReplica"];

function describeRows(): string[] {
  return operations.map((spec) => {
    const actions = spec.actions.map(({ action, versionAction, on, when }) => {
      const version = versionAction === undefined ? "" : `/${versionAction.replace("s3:", "")}`;
      const resource = on === spec.level ? "" : `@${on}`;
      return `${action.replace("s3:", "")}${version}${resource}${when === undefined ? "" : `?${when}`}`;
    });
    const answer = spec.emptyCode === undefined ? spec.answer : `${spec.answer}:${spec.emptyCode}`;
    return [spec.wave, answer, spec.name, ...actions].join(" ");
  });
}

describe("operationTable", () => {
  test("operationTable: holds every operation of the specification with its wave, answer and actions, and no other", () => {
    expect(describeRows().sort()).toEqual(
      specified
        .trim()
        .split("\n")
        .map((line) => line.trim())
        .sort(),
    );
  });

  test("operationTable: covers the 116 operations of the service model", () => {
    expect(operations.length - outsideTheModel.length + deprecated.length).toBe(116);
    expect(Object.keys(deprecatedOperations).sort()).toEqual(deprecated.sort());
    for (const name of Object.values(deprecatedOperations)) expect(operationTable[name].name).toBe(name);
  });

  test("operationTable: every row but the preflight declares its action, each with a service prefix", () => {
    for (const [key, spec] of Object.entries(operationTable)) {
      expect(String(spec.name)).toBe(key);
      expect(spec.actions.length > 0).toBe(spec.name !== "Preflight");
      for (const { action, versionAction } of spec.actions) {
        expect(action).toMatch(/^(s3|s3express|s3-object-lambda):[A-Za-z]+$/);
        expect(versionAction ?? "s3:x").toMatch(/^s3:/);
      }
    }
  });

  test("operationTable: requests are unambiguous", () => {
    const requests = operations.map((spec) =>
      JSON.stringify([spec.method, spec.level, spec.subresource, spec.requiredParameters, spec.requiredHeader]),
    );
    expect(new Set(requests).size).toBe(operations.length);
    for (const spec of operations) expect(operationMethods).toContain(spec.method);
  });

  test("operationTable: a row that needs a header has a sibling that does not", () => {
    for (const spec of operations.filter((row) => row.requiredHeader !== undefined)) {
      const sibling = operations.find(
        (row) =>
          row.requiredHeader === undefined &&
          row.method === spec.method &&
          row.level === spec.level &&
          row.subresource === spec.subresource,
      );
      expect(sibling).toBeDefined();
    }
  });

  test("operationTable: only refused rows have a reason, only empty ones an emptyCode", () => {
    for (const spec of operations) {
      expect(spec.reason !== undefined).toBe(spec.answer === "notImplemented");
      if (spec.emptyCode !== undefined) expect(spec.answer).toBe("empty");
    }
  });

  test("operationTable: rows that read a version take versionId", () => {
    for (const spec of operations.filter((row) => row.level === "key")) {
      if (spec.actions.some((action) => action.on === "key" && action.versionAction !== undefined)) {
        expect(spec.parameters.has("versionId")).toBe(true);
      }
    }
  });

  test("operationTable: family headers are lower case and never an event hold", () => {
    for (const spec of operations) {
      for (const name of spec.familyHeaders) {
        expect(name).toBe(name.toLowerCase());
        expect(name).not.toContain("event-hold");
      }
    }
  });
});
