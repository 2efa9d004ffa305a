import { respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { findObject } from "./find-object.ts";
import { versionIdHeader } from "./object-headers.ts";
import { requireOwnerAcl } from "./owner-acl.ts";

/** PutObjectAcl: takes what changes nothing. @throws S3Error as `findObject` and `requireOwnerAcl`. Source: API_PutObjectAcl. */
export async function putObjectAcl(request: S3Request): Promise<void> {
  const { version } = await findObject(request, false);
  await requireOwnerAcl(request);
  respondEmpty(request, 200, versionIdHeader(request, version));
}
