import { respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { findObject, renderVersionId } from "./object-response.ts";
import { requireOwnerAcl } from "./owner-acl.ts";

/** PutObjectAcl: takes what changes nothing. @throws S3Error as `findObject` and `requireOwnerAcl`. Source: API_PutObjectAcl. */
export async function putObjectAcl(request: S3Request): Promise<void> {
  const { version } = await findObject(request, false);
  await requireOwnerAcl(request);
  const versionId = renderVersionId(request, version);
  respondEmpty(request, 200, versionId === undefined ? {} : { "x-amz-version-id": versionId });
}
