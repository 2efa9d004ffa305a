import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { findObject } from "./find-object.ts";
import { versionIdHeader } from "./object-headers.ts";
import { renderOwnerAcl } from "./owner-acl.ts";

/** GetObjectAcl: owner FULL_CONTROL. @throws S3Error as `findObject`. Source: API_GetObjectAcl. */
export async function getObjectAcl(request: S3Request): Promise<void> {
  const { version } = await findObject(request, false);
  respondXml(request, renderOwnerAcl(request.bucket), versionIdHeader(request, version));
}
