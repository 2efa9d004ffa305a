import { versionFlag } from "#kernel/protocol/mutation.ts";
import { evaluateWriteConditions, parseWriteConditions, type WriteConditions } from "#kernel/s3/conditional-request.ts";
import type { S3Request } from "../request/s3-request.ts";

/** Conditions of a write; null when there are none. @throws S3Error NotImplemented, InvalidArgument */
export function writeConditions(request: S3Request): WriteConditions | null {
  if (request.headers["if-match"] === undefined && request.headers["if-none-match"] === undefined) return null;
  return parseWriteConditions(request.headers);
}

/**
 * Refuses a conditional write before its body is sent when the condition does not hold now. The binding decision is made
 * again inside the commit.
 * @throws S3Error PreconditionFailed, NoSuchKey
 */
export async function checkEarlyConditions(request: S3Request, conditions: WriteConditions): Promise<void> {
  const newest = await request.plane.catalog.findNewest(request.bucket.bucketId, request.key, false);
  const current = newest && { etag: newest.etag, isDeleteMarker: (newest.flags & versionFlag.marker) !== 0 };
  evaluateWriteConditions(conditions, current, request.key);
}
