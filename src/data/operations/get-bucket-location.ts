import { escapeXml, s3Namespace } from "#kernel/xml/write-xml.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

/** GetBucketLocation: empty for us-east-1. Source: API_GetBucketLocation. */
export function getBucketLocation(request: S3Request): void {
  const { region } = request.bucket;
  const text = region === "us-east-1" ? "" : escapeXml(region);
  respondXml(
    request,
    `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="${s3Namespace}">${text}</LocationConstraint>`,
  );
}
