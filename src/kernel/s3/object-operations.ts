import { customerKeyHeaders, fullAclHeaders, newObjectHeaders, sourceCustomerKeyHeaders } from "./family-headers.ts";
import { defineOperation, type OperationSpec } from "./operation.ts";
import type { ObjectOperationName } from "./operation-name.ts";
import { newObjectActions, onKey, onKeyWhen, type RequiredAction } from "./required-action.ts";

const readParameters: readonly string[] = [
  "versionId",
  "partNumber",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
];
const version: readonly string[] = ["versionId"];
const readObject: RequiredAction = onKey("s3:GetObject", "s3:GetObjectVersion");

/** Rows of single objects. Source: the Amazon S3 API reference, one page per operation. */
export const objectOperations: Readonly<Record<ObjectOperationName, OperationSpec>> = {
  PutObject: defineOperation("PutObject", "PUT K", {
    wave: 1,
    actions: newObjectActions,
    familyHeaders: [...newObjectHeaders, "x-amz-write-offset-bytes"],
  }),
  GetObject: defineOperation("GetObject", "GET K", {
    wave: 1,
    actions: [readObject],
    parameters: readParameters,
    familyHeaders: customerKeyHeaders,
  }),
  HeadObject: defineOperation("HeadObject", "HEAD K", {
    wave: 1,
    actions: [readObject],
    parameters: readParameters,
    familyHeaders: customerKeyHeaders,
  }),
  DeleteObject: defineOperation("DeleteObject", "DELETE K", {
    wave: 1,
    actions: [
      onKey("s3:DeleteObject", "s3:DeleteObjectVersion"),
      onKeyWhen("s3:BypassGovernanceRetention", "bypassesLock"),
    ],
    parameters: version,
    familyHeaders: ["x-amz-if-match-last-modified-time", "x-amz-if-match-size"],
  }),
  CopyObject: defineOperation("CopyObject", "PUT K", {
    wave: 1,
    requiredHeader: "x-amz-copy-source",
    actions: [
      ...newObjectActions,
      { action: "s3:GetObject", versionAction: "s3:GetObjectVersion", on: "source" },
      {
        action: "s3:GetObjectTagging",
        versionAction: "s3:GetObjectVersionTagging",
        on: "source",
        when: "copiesTags",
      },
    ],
    familyHeaders: [...newObjectHeaders, ...sourceCustomerKeyHeaders],
  }),
  GetObjectAttributes: defineOperation("GetObjectAttributes", "GET K?attributes", {
    wave: 2,
    actions: [readObject, onKey("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes")],
    parameters: version,
    familyHeaders: customerKeyHeaders,
  }),
  RenameObject: defineOperation("RenameObject", "PUT K?renameObject", {
    wave: 2,
    actions: [
      onKey("s3:PutObject"),
      { action: "s3:GetObject", on: "source" },
      { action: "s3:DeleteObject", on: "source" },
    ],
  }),
  GetObjectTagging: defineOperation("GetObjectTagging", "GET K?tagging", {
    wave: 2,
    actions: [onKey("s3:GetObjectTagging", "s3:GetObjectVersionTagging")],
    parameters: version,
  }),
  PutObjectTagging: defineOperation("PutObjectTagging", "PUT K?tagging", {
    wave: 2,
    actions: [onKey("s3:PutObjectTagging", "s3:PutObjectVersionTagging")],
    parameters: version,
  }),
  DeleteObjectTagging: defineOperation("DeleteObjectTagging", "DELETE K?tagging", {
    wave: 2,
    actions: [onKey("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging")],
    parameters: version,
  }),
  GetObjectAcl: defineOperation("GetObjectAcl", "GET K?acl", {
    wave: 2,
    actions: [onKey("s3:GetObjectAcl", "s3:GetObjectVersionAcl")],
    parameters: version,
  }),
  PutObjectAcl: defineOperation("PutObjectAcl", "PUT K?acl", {
    wave: 2,
    actions: [onKey("s3:PutObjectAcl", "s3:PutObjectVersionAcl")],
    parameters: version,
    familyHeaders: fullAclHeaders,
  }),
  GetObjectRetention: defineOperation("GetObjectRetention", "GET K?retention", {
    wave: 2,
    actions: [onKey("s3:GetObjectRetention")],
    parameters: version,
  }),
  PutObjectRetention: defineOperation("PutObjectRetention", "PUT K?retention", {
    wave: 2,
    actions: [onKey("s3:PutObjectRetention"), onKeyWhen("s3:BypassGovernanceRetention", "bypassesLock")],
    parameters: version,
  }),
  GetObjectLegalHold: defineOperation("GetObjectLegalHold", "GET K?legal-hold", {
    wave: 2,
    actions: [onKey("s3:GetObjectLegalHold")],
    parameters: version,
  }),
  PutObjectLegalHold: defineOperation("PutObjectLegalHold", "PUT K?legal-hold", {
    wave: 2,
    actions: [onKey("s3:PutObjectLegalHold")],
    parameters: version,
  }),
  SelectObjectContent: defineOperation("SelectObjectContent", "POST K?select&select-type=2", {
    wave: 2,
    actions: [readObject],
    parameters: version,
    familyHeaders: customerKeyHeaders,
  }),
  RestoreObject: defineOperation("RestoreObject", "POST K?restore", {
    wave: 3,
    actions: [onKey("s3:RestoreObject")],
    parameters: version,
    emptyCode: "InvalidObjectState",
  }),
  GetObjectTorrent: defineOperation("GetObjectTorrent", "GET K?torrent", {
    wave: 3,
    actions: [onKey("s3:GetObjectTorrent", "s3:GetObjectVersionTorrent")],
    parameters: version,
    emptyCode: "NoSuchKey",
  }),
  UpdateObjectEncryption: defineOperation("UpdateObjectEncryption", "PUT K?encryption", {
    wave: 3,
    actions: [onKey("s3:PutObject"), onKey("s3:UpdateObjectEncryption")],
    parameters: version,
  }),
};
