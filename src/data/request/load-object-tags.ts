import { parseObjectAttributes } from "../object-meta.ts";
import type { S3Request } from "./s3-request.ts";

/** Looks up the tags of the object that a request is about, for policies that ask for them. An absent object has none. */
export async function loadObjectTags(request: S3Request): Promise<void> {
  const { spec, versionId } = request;
  if (spec.level !== "key") return;
  const { bucketId } = request.bucket;
  const version = await (versionId === undefined
    ? request.plane.catalog.findNewest(bucketId, request.key, false)
    : request.plane.catalog.findVersion(bucketId, { key: request.key, versionId, withBody: false }));
  if (!version || version.attributes === null) return;
  for (const [key, value] of parseObjectAttributes(version.attributes).tags ?? [])
    request.facts.set(`s3:ExistingObjectTag/${key}`, value);
}
