import { customerKeyHeaders, newObjectHeaders, sourceCustomerKeyHeaders } from "./family-headers.ts";
import { defineOperation, type OperationSpec } from "./operation.ts";
import type { MultipartOperationName } from "./operation-name.ts";
import { newObjectActions, onBucket, onKey } from "./required-action.ts";

/** Rows of multipart uploads. Source: the Amazon S3 API reference, one page per operation. */
export const multipartOperations: Readonly<Record<MultipartOperationName, OperationSpec>> = {
  ListMultipartUploads: defineOperation("ListMultipartUploads", "GET B?uploads", {
    wave: 1,
    actions: [onBucket("s3:ListBucketMultipartUploads")],
    parameters: ["delimiter", "encoding-type", "key-marker", "max-uploads", "prefix", "upload-id-marker"],
  }),
  CreateMultipartUpload: defineOperation("CreateMultipartUpload", "POST K?uploads", {
    wave: 1,
    actions: newObjectActions,
    familyHeaders: newObjectHeaders,
  }),
  UploadPart: defineOperation("UploadPart", "PUT K?uploadId&partNumber", {
    wave: 1,
    actions: [onKey("s3:PutObject")],
    familyHeaders: customerKeyHeaders,
  }),
  UploadPartCopy: defineOperation("UploadPartCopy", "PUT K?uploadId&partNumber", {
    wave: 1,
    requiredHeader: "x-amz-copy-source",
    actions: [onKey("s3:PutObject"), { action: "s3:GetObject", versionAction: "s3:GetObjectVersion", on: "source" }],
    familyHeaders: [...customerKeyHeaders, ...sourceCustomerKeyHeaders],
  }),
  ListParts: defineOperation("ListParts", "GET K?uploadId", {
    wave: 1,
    actions: [onKey("s3:ListMultipartUploadParts")],
    parameters: ["max-parts", "part-number-marker"],
    familyHeaders: customerKeyHeaders,
  }),
  CompleteMultipartUpload: defineOperation("CompleteMultipartUpload", "POST K?uploadId", {
    wave: 1,
    actions: [onKey("s3:PutObject")],
    familyHeaders: customerKeyHeaders,
  }),
  AbortMultipartUpload: defineOperation("AbortMultipartUpload", "DELETE K?uploadId", {
    wave: 1,
    actions: [onKey("s3:AbortMultipartUpload")],
    familyHeaders: ["x-amz-if-match-initiated-time"],
  }),
};
