import { parseObjectAttributes } from "../object-meta.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { findObject, renderVersionId } from "./object-response.ts";
import { renderTagging } from "./render-tagging.ts";

/** GetObjectTagging: an empty set for an object without tags. Source: API_GetObjectTagging. */
export async function getObjectTagging(request: S3Request): Promise<void> {
  const { version } = await findObject(request, false);
  const versionId = renderVersionId(request, version);
  const headers = versionId === undefined ? {} : { "x-amz-version-id": versionId };
  respondXml(request, renderTagging(parseObjectAttributes(version.attributes).tags ?? []), headers);
}
