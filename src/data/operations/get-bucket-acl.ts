import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { renderOwnerAcl } from "./owner-acl.ts";

/** GetBucketAcl: owner FULL_CONTROL. Source: API_GetBucketAcl. */
export function getBucketAcl(request: S3Request): void {
  respondXml(request, renderOwnerAcl(request.bucket));
}
