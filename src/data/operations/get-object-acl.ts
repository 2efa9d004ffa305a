import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { findObject, renderVersionId } from "./object-response.ts";
import { renderOwnerAcl } from "./owner-acl.ts";

/** GetObjectAcl: owner FULL_CONTROL. @throws S3Error as `findObject`. Source: API_GetObjectAcl. */
export async function getObjectAcl(request: S3Request): Promise<void> {
  const { version } = await findObject(request, false);
  const versionId = renderVersionId(request, version);
  respondXml(request, renderOwnerAcl(request.bucket), versionId === undefined ? {} : { "x-amz-version-id": versionId });
}
