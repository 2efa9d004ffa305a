import type { ObjectVersion } from "../catalog/catalog.ts";
import { parseObjectAttributes } from "../object-meta.ts";
import { authorizeRequest } from "./authorize-request.ts";
import type { AskedObject } from "./request-values.ts";
import type { S3Request } from "./s3-request.ts";

/** What policies may ask about an object: an absent one has no tags. @param versionId as the request names it */
export function askedObject(
  version: Pick<ObjectVersion, "attributes"> | undefined,
  versionId: string | undefined,
): AskedObject {
  const { attributes = null } = version ?? {};
  const tags = attributes === null ? [] : (parseObjectAttributes(attributes).tags ?? []);
  return { versionId, tags: new Map(tags) };
}

/** Whether policies of the caller ask for tags of stored objects. */
export function asksObjectTags({ identity }: Pick<S3Request, "identity">): boolean {
  return identity.kind !== "anonymous" && identity.asksObjectTags;
}

/** Looks up the tags of the object that a request is about, for policies that ask for them. */
export async function loadObjectTags(request: S3Request): Promise<void> {
  const { spec, versionId } = request;
  if (spec.level !== "key" || !asksObjectTags(request)) return;
  const { bucketId } = request.bucket;
  const version = await (versionId === undefined
    ? request.plane.catalog.findNewest(bucketId, request.key, false)
    : request.plane.catalog.findVersion(bucketId, { key: request.key, versionId, withBody: false }));
  request.askedObject = askedObject(version, versionId);
}

/**
 * Asks again about the very version that is read: since the tags were looked up another may have taken its place.
 * @throws S3Error AccessDenied
 */
export function authorizeVersion(request: S3Request, version: ObjectVersion): void {
  if (!asksObjectTags(request)) return;
  request.askedObject = askedObject(version, request.versionId);
  authorizeRequest(request);
}
