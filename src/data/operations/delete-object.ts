import { parseDeleteConditions } from "#kernel/s3/conditional-request.ts";
import { receiveIgnoredBody } from "../request/read-small-body.ts";
import { type ResponseHeaders, respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { checkVersionId } from "./find-object.ts";

/** DeleteObject: commit first, bytes are freed later. Absent keys are success. Source: API_DeleteObject. */
export async function deleteObject(request: S3Request): Promise<void> {
  const versionId = request.versionId ?? null;
  if (versionId !== null) checkVersionId(versionId);
  const conditions = parseDeleteConditions(request.headers);
  await receiveIgnoredBody(request);
  const result = await request.commit({
    kind: "delete",
    bucketId: request.bucket.bucketId,
    key: request.key,
    requestId: request.id,
    principal: request.principal,
    versionId,
    conditions: Object.keys(conditions).length === 0 ? null : conditions,
  });
  const headers: ResponseHeaders = {};
  if (result.deleteMarker) headers["x-amz-delete-marker"] = "true";
  if (result.versionId !== null) headers["x-amz-version-id"] = result.versionId;
  respondEmpty(request, 204, headers);
}
