import { renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

const status = {
  never: "",
  enabled: renderTextElement("Status", "Enabled"),
  suspended: renderTextElement("Status", "Suspended"),
} as const;

/** GetBucketVersioning: an empty document for a bucket that was never versioned. Source: API_GetBucketVersioning. */
export function getBucketVersioning(request: S3Request): void {
  respondXml(request, renderXmlDocument("VersioningConfiguration", status[request.bucket.versioning]));
}
