import { parseObjectAttributes } from "../object-meta.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { findObject } from "./find-object.ts";
import { versionIdHeader } from "./object-headers.ts";
import { renderTagging } from "./render-tagging.ts";

/** GetObjectTagging: an empty set for an object without tags. Source: API_GetObjectTagging. */
export async function getObjectTagging(request: S3Request): Promise<void> {
  const { version } = await findObject(request, false);
  const { tags = [] } = parseObjectAttributes(version.attributes);
  respondXml(request, renderTagging(tags), versionIdHeader(request, version));
}
