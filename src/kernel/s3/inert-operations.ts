import { managedKeyHeaders } from "./family-headers.ts";
import { defineOperation, type OperationDefinition, type OperationRequest, type OperationSpec } from "./operation.ts";
import type { InertOperationName } from "./operation-name.ts";
import { onBucket, onKey } from "./required-action.ts";

type InertExtras = Omit<OperationDefinition, "wave" | "actions">;

/** A row of wave 3 with one action, on the key if the request names one, else on the bucket. */
function inert(
  name: InertOperationName,
  request: OperationRequest,
  { action, ...extras }: InertExtras & { readonly action: string },
): OperationSpec {
  const on = request.includes(" K") ? onKey(action) : onBucket(action);
  return defineOperation(name, request, { wave: 3, actions: [on], ...extras });
}

/** Read or removal of one configuration: there is none. */
function absent(action: string): InertExtras & { readonly action: string } {
  return { action, emptyCode: "NoSuchConfiguration" };
}

/** List of configurations: an empty document. */
function emptyList(action: string): InertExtras & { readonly action: string } {
  return { action, answer: "empty", parameters: ["continuation-token"] };
}

const getAnalytics = "s3:GetAnalyticsConfiguration";
const putAnalytics = "s3:PutAnalyticsConfiguration";
const getMetrics = "s3:GetMetricsConfiguration";
const putMetrics = "s3:PutMetricsConfiguration";
const getTiering = "s3:GetIntelligentTieringConfiguration";
const putTiering = "s3:PutIntelligentTieringConfiguration";

const noEffect = "This configuration would have no effect here and is not stored";
const noTables = "Metadata tables are not implemented: there are no table buckets";
const noDirectories = "Directory buckets are not implemented";
const noLambda = "Object Lambda is not implemented";
const noAnnotations = "Object annotations are not implemented";

/** Rows of features that do not exist here. Source: the Amazon S3 API reference, one page per operation. */
export const inertOperations: Readonly<Record<InertOperationName, OperationSpec>> = {
  GetBucketAnalyticsConfiguration: inert("GetBucketAnalyticsConfiguration", "GET B?analytics&id", absent(getAnalytics)),
  ListBucketAnalyticsConfigurations: inert(
    "ListBucketAnalyticsConfigurations",
    "GET B?analytics",
    emptyList(getAnalytics),
  ),
  PutBucketAnalyticsConfiguration: inert("PutBucketAnalyticsConfiguration", "PUT B?analytics&id", {
    action: putAnalytics,
    reason: noEffect,
  }),
  DeleteBucketAnalyticsConfiguration: inert(
    "DeleteBucketAnalyticsConfiguration",
    "DELETE B?analytics&id",
    absent(putAnalytics),
  ),
  GetBucketMetricsConfiguration: inert("GetBucketMetricsConfiguration", "GET B?metrics&id", absent(getMetrics)),
  ListBucketMetricsConfigurations: inert("ListBucketMetricsConfigurations", "GET B?metrics", emptyList(getMetrics)),
  PutBucketMetricsConfiguration: inert("PutBucketMetricsConfiguration", "PUT B?metrics&id", {
    action: putMetrics,
    reason: noEffect,
  }),
  DeleteBucketMetricsConfiguration: inert(
    "DeleteBucketMetricsConfiguration",
    "DELETE B?metrics&id",
    absent(putMetrics),
  ),
  GetBucketIntelligentTieringConfiguration: inert(
    "GetBucketIntelligentTieringConfiguration",
    "GET B?intelligent-tiering&id",
    absent(getTiering),
  ),
  ListBucketIntelligentTieringConfigurations: inert(
    "ListBucketIntelligentTieringConfigurations",
    "GET B?intelligent-tiering",
    emptyList(getTiering),
  ),
  PutBucketIntelligentTieringConfiguration: inert(
    "PutBucketIntelligentTieringConfiguration",
    "PUT B?intelligent-tiering&id",
    { action: putTiering, reason: noEffect },
  ),
  DeleteBucketIntelligentTieringConfiguration: inert(
    "DeleteBucketIntelligentTieringConfiguration",
    "DELETE B?intelligent-tiering&id",
    absent(putTiering),
  ),
  CreateBucketMetadataConfiguration: inert("CreateBucketMetadataConfiguration", "POST B?metadataConfiguration", {
    action: "s3:CreateBucketMetadataTableConfiguration",
    reason: noTables,
  }),
  GetBucketMetadataConfiguration: inert("GetBucketMetadataConfiguration", "GET B?metadataConfiguration", {
    action: "s3:GetBucketMetadataTableConfiguration",
    reason: noTables,
  }),
  DeleteBucketMetadataConfiguration: inert("DeleteBucketMetadataConfiguration", "DELETE B?metadataConfiguration", {
    action: "s3:DeleteBucketMetadataTableConfiguration",
    reason: noTables,
  }),
  CreateBucketMetadataTableConfiguration: inert("CreateBucketMetadataTableConfiguration", "POST B?metadataTable", {
    action: "s3:CreateBucketMetadataTableConfiguration",
    reason: noTables,
  }),
  GetBucketMetadataTableConfiguration: inert("GetBucketMetadataTableConfiguration", "GET B?metadataTable", {
    action: "s3:GetBucketMetadataTableConfiguration",
    reason: noTables,
  }),
  DeleteBucketMetadataTableConfiguration: inert("DeleteBucketMetadataTableConfiguration", "DELETE B?metadataTable", {
    action: "s3:DeleteBucketMetadataTableConfiguration",
    reason: noTables,
  }),
  UpdateBucketMetadataInventoryTableConfiguration: inert(
    "UpdateBucketMetadataInventoryTableConfiguration",
    "PUT B?metadataInventoryTable",
    { action: "s3:UpdateBucketMetadataInventoryTableConfiguration", reason: noTables },
  ),
  UpdateBucketMetadataJournalTableConfiguration: inert(
    "UpdateBucketMetadataJournalTableConfiguration",
    "PUT B?metadataJournalTable",
    { action: "s3:UpdateBucketMetadataJournalTableConfiguration", reason: noTables },
  ),
  UpdateBucketMetadataAnnotationTableConfiguration: inert(
    "UpdateBucketMetadataAnnotationTableConfiguration",
    "PUT B?metadataAnnotationTable",
    { action: "s3:UpdateBucketMetadataAnnotationTableConfiguration", reason: noTables },
  ),
  CreateSession: inert("CreateSession", "GET B?session", {
    action: "s3express:CreateSession",
    reason: noDirectories,
    familyHeaders: managedKeyHeaders,
  }),
  ListDirectoryBuckets: defineOperation("ListDirectoryBuckets", "GET /?max-directory-buckets", {
    wave: 3,
    actions: [{ action: "s3express:ListAllMyDirectoryBuckets", on: "service" }],
    parameters: ["continuation-token"],
    reason: noDirectories,
  }),
  // `/WriteGetObjectResponse` reads as a bucket; the header it must carry tells it from a form.
  WriteGetObjectResponse: defineOperation("WriteGetObjectResponse", "POST B", {
    wave: 3,
    actions: [{ action: "s3-object-lambda:WriteGetObjectResponse", on: "service" }],
    requiredHeader: "x-amz-request-route",
    reason: noLambda,
  }),
  PutObjectAnnotation: inert("PutObjectAnnotation", "PUT K?annotation&annotationName", {
    action: "s3:PutObjectAnnotation",
    parameters: ["versionId"],
    reason: noAnnotations,
  }),
  GetObjectAnnotation: inert("GetObjectAnnotation", "GET K?annotation&annotationName", {
    action: "s3:GetObjectAnnotation",
    parameters: ["versionId"],
    reason: noAnnotations,
  }),
  ListObjectAnnotations: inert("ListObjectAnnotations", "GET K?annotation", {
    action: "s3:ListObjectAnnotations",
    parameters: ["versionId", "max-annotation-results", "annotation-prefix", "continuation-token"],
    reason: noAnnotations,
  }),
  DeleteObjectAnnotation: inert("DeleteObjectAnnotation", "DELETE K?annotation&annotationName", {
    action: "s3:DeleteObjectAnnotation",
    parameters: ["versionId"],
    reason: noAnnotations,
  }),
};
