import { respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { requireOwnerAcl } from "./owner-acl.ts";

/** PutBucketAcl: takes what changes nothing. @throws S3Error as `requireOwnerAcl`. Source: API_PutBucketAcl. */
export async function putBucketAcl(request: S3Request): Promise<void> {
  await requireOwnerAcl(request);
  respondEmpty(request, 200);
}
