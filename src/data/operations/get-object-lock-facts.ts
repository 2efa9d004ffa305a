import { S3Error } from "#kernel/s3/s3-error.ts";
import type { S3Request } from "../request/s3-request.ts";
import { findObject } from "./find-object.ts";

/**
 * GetObjectRetention and GetObjectLegalHold: no bucket can lock objects yet.
 * @throws S3Error InvalidRequest for an object that is there; else as `findObject`.
 * Source: API_GetObjectRetention, API_GetObjectLegalHold.
 */
export async function getObjectLockFacts(request: S3Request): Promise<void> {
  await findObject(request, false);
  throw new S3Error("InvalidRequest", { message: "Bucket is missing Object Lock Configuration" });
}
