import { S3Error } from "#kernel/s3/s3-error.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { renderTagging } from "./render-tagging.ts";

/** GetBucketTagging. @throws S3Error NoSuchTagSet for a bucket without tags. Source: API_GetBucketTagging. */
export function getBucketTagging(request: S3Request): void {
  const { tags } = request.bucket;
  if (tags.length === 0) throw new S3Error("NoSuchTagSet", { fields: { BucketName: request.bucket.name } });
  respondXml(request, renderTagging(tags));
}
