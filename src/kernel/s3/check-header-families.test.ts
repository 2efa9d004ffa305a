import { describe, expect, test } from "bun:test";
import { checkHeaderFamilies } from "./check-header-families.ts";
import type { OperationName } from "./operation-name.ts";
import { operations, operationTable } from "./operation-table.ts";
import { S3Error } from "./s3-error.ts";

function refusal(name: OperationName, header: string): S3Error | undefined {
  try {
    checkHeaderFamilies(operationTable[name], { host: "h", "x-amz-date": "d", [header]: "x" });
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  return undefined;
}

describe("checkHeaderFamilies", () => {
  test("checkHeaderFamilies: an unknown header of a family is NotImplemented and named", () => {
    const cases: [OperationName, string][] = [
      ["PutObject", "x-amz-object-lock-event-hold"],
      ["PutObject", "x-amz-server-side-encryption-future"],
      ["PutObject", "x-amz-write-something"],
      ["PutObject", "x-amz-if-anything"],
      ["PutObject", "x-amz-grant-write"],
      ["PutObject", "x-amz-copy-source-server-side-encryption-customer-key"],
      ["CopyObject", "x-amz-write-offset-bytes"],
      ["CreateMultipartUpload", "x-amz-object-lock-event-hold-duration-days"],
      ["UploadPart", "x-amz-acl"],
      ["UploadPart", "x-amz-server-side-encryption"],
      ["PutObjectTagging", "x-amz-object-lock-mode"],
      ["DeleteObjects", "x-amz-if-match-size"],
      ["GetObject", "x-amz-server-side-encryption-aws-kms-key-id"],
      ["HeadBucket", "x-amz-acl"],
    ];
    for (const [name, header] of cases) {
      const error = refusal(name, header);
      expect(error?.code).toBe("NotImplemented");
      expect(error?.fields).toEqual({ Header: header });
    }
  });

  test("checkHeaderFamilies: headers of the API reference are known", () => {
    const cases: [OperationName, string][] = [
      ["PutObject", "x-amz-acl"],
      ["PutObject", "x-amz-write-offset-bytes"],
      ["PutObject", "x-amz-object-lock-legal-hold"],
      ["PutObject", "x-amz-server-side-encryption-customer-key-md5"],
      ["CopyObject", "x-amz-copy-source-server-side-encryption-customer-algorithm"],
      ["CreateBucket", "x-amz-grant-write"],
      ["PutBucketAcl", "x-amz-grant-write-acp"],
      ["PutObjectAcl", "x-amz-grant-write"],
      ["DeleteObject", "x-amz-if-match-last-modified-time"],
      ["AbortMultipartUpload", "x-amz-if-match-initiated-time"],
      ["CompleteMultipartUpload", "x-amz-server-side-encryption-customer-key"],
      ["GetObjectAttributes", "x-amz-server-side-encryption-customer-key"],
      ["CreateSession", "x-amz-server-side-encryption"],
    ];
    for (const [name, header] of cases) expect(refusal(name, header)).toBeUndefined();
  });

  test("checkHeaderFamilies: other unknown headers are ignored by every operation", () => {
    const ignored = [
      "x-amz-object-ownership",
      "x-amz-storage-class",
      "x-amz-copy-source-if-match",
      "x-amz-acl-other",
      "x-amz-i",
      "x-amz-",
      "x-amz",
      "if-match",
      "x-amz-meta-x-amz-acl",
      "x-amz-bucket-object-lock-enabled",
      "x-amz-website-redirect-location",
    ];
    for (const spec of operations) {
      for (const header of ignored) expect(refusal(spec.name, header)).toBeUndefined();
    }
  });

  test("checkHeaderFamilies: x-amz-server-side-encryption on a read is InvalidArgument", () => {
    for (const name of ["GetObject", "HeadObject", "ListObjectsV2"] as const) {
      const error = refusal(name, "x-amz-server-side-encryption");
      expect(error?.code).toBe("InvalidArgument");
      expect(error?.fields).toEqual({ ArgumentName: "x-amz-server-side-encryption" });
    }
  });

  test("checkHeaderFamilies: an absent value is no header", () => {
    expect(() => checkHeaderFamilies(operationTable.GetObject, { "x-amz-acl": undefined })).not.toThrow();
  });

  test("checkHeaderFamilies: every header a row lists belongs to a family", () => {
    const bare = { ...operationTable.PutBucketCors };
    for (const spec of operations) {
      for (const header of spec.familyHeaders) {
        expect(() => checkHeaderFamilies(bare, { [header]: "x" })).toThrow(S3Error);
      }
    }
  });
});
