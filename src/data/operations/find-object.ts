import { versionFlag } from "#kernel/protocol/mutation.ts";
import { renderHttpDate } from "#kernel/s3/http-date.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { ObjectVersion } from "../catalog/catalog.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import { openInline } from "../crypto/inline-body.ts";
import { type ObjectMeta, parseObjectMeta } from "../object-meta.ts";
import { authorizeVersion } from "../request/load-object-tags.ts";
import type { S3Request } from "../request/s3-request.ts";
import { openObjectKey } from "./encryption-request.ts";

/** A version found for a read, with its metadata parsed. */
export interface FoundObject {
  readonly version: ObjectVersion;
  readonly meta: ObjectMeta;
  /** Verified plaintext, when it is remembered. */
  readonly plaintext: Uint8Array | undefined;
}

const maxVersionIdBytes = 1024;
/** The most that `storage.inline_threshold` can be set to: no larger object was ever stored inline. */
const maxInlineBytes = 131_072;

/**
 * The version a GET or HEAD names.
 * @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed (a named marker), AccessDenied (absent, and the caller may not list)
 */
export async function findObject(request: S3Request, withBody: boolean): Promise<FoundObject> {
  const found = await findNamed(request, withBody);
  authorizeVersion(request, found.version);
  return found;
}

async function findNamed(request: S3Request, withBody: boolean): Promise<FoundObject> {
  const { versionId } = request;
  if (versionId === undefined) return findNewest(request, withBody);
  checkVersionId(versionId);
  return present(
    request,
    await request.plane.catalog.findVersion(request.bucket.bucketId, { key: request.key, versionId, withBody }),
  );
}

/** The newest version, from memory when nobody has committed to its key since it was read. */
async function findNewest(request: S3Request, withBody: boolean): Promise<FoundObject> {
  const { cache, catalog } = request.plane;
  const { bucketId } = request.bucket;
  const ticket = cache.open(bucketId, request.key);
  const remembered = cache.find(ticket);
  if (remembered && (!withBody || remembered.plaintext || remembered.version.sizeBytes > maxInlineBytes))
    return remembered;
  const found = present(request, await catalog.findNewest(bucketId, request.key, withBody));
  const plaintext = withBody ? openPlaintext(request, found) : undefined;
  const complete = { ...found, plaintext };
  cache.remember(ticket, { version: { ...found.version, body: null }, meta: found.meta, plaintext });
  return complete;
}

/** Inline bytes under the server's own key are opened at once; a client's key is only known to one request. */
function openPlaintext(request: S3Request, { version, meta }: FoundObject): Uint8Array | undefined {
  if (!version.body || meta.customerKeyMd5 !== undefined) return undefined;
  const dataKey = openObjectKey(request, {
    bucketId: request.bucket.bucketId,
    key: request.key,
    stored: meta,
    customerKey: undefined,
  });
  return openInline(dataKey, version.body, version.sizeBytes);
}

function present(request: S3Request, version: ObjectVersion | undefined): FoundObject {
  if (!version) throw absent(request);
  if (version.flags & versionFlag.marker) throw markerFound(request, version);
  return { version, meta: parseObjectMeta(version.meta), plaintext: undefined };
}

/** @throws S3Error InvalidArgument for an ill-formed version id */
export function checkVersionId(versionId: string): void {
  for (let i = 0; i < versionId.length; i++)
    if (versionId.charCodeAt(i) < 0x20 || versionId.charCodeAt(i) === 0x7f) throw invalidVersionId(versionId);
  if (Buffer.byteLength(versionId) > maxVersionIdBytes) throw invalidVersionId(versionId);
}

function absent(request: S3Request): S3Error {
  const refusal = request.findRefusal("s3:ListBucket", request.bucket);
  if (refusal !== undefined) return refusal;
  if (request.versionId !== undefined)
    return new S3Error("NoSuchVersion", { fields: { Key: request.key, VersionId: request.versionId } });
  return new S3Error("NoSuchKey", { fields: { Key: request.key } });
}

function markerFound(request: S3Request, version: ObjectVersion): S3Error {
  const versionId = version.versionId ?? "null";
  if (request.versionId === undefined) {
    return new S3Error("NoSuchKey", {
      fields: { Key: request.key },
      headers: { "x-amz-delete-marker": "true", "x-amz-version-id": versionId },
    });
  }
  return new S3Error("MethodNotAllowed", {
    fields: { Method: request.message.method ?? "GET", ResourceType: "DeleteMarker" },
    headers: {
      Allow: "DELETE",
      "x-amz-delete-marker": "true",
      "x-amz-version-id": versionId,
      "Last-Modified": renderHttpDate(hlcToMs(version.hlc)),
    },
  });
}

function invalidVersionId(versionId: string): S3Error {
  return new S3Error("InvalidArgument", {
    message: "Invalid version id specified",
    fields: { ArgumentName: "versionId", ArgumentValue: versionId },
  });
}
