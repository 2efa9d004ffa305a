import { versionFlag } from "#kernel/protocol/mutation.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { renderHttpDate } from "#kernel/s3/http-date.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { userMetadataPrefix } from "#kernel/s3/user-metadata.ts";
import type { ObjectVersion } from "../catalog/catalog.ts";
import { hlcToMs } from "../catalog/sqlite-catalog/version-id.ts";
import { openInline } from "../crypto/inline-body.ts";
import { type ObjectAttributes, type ObjectMeta, parseObjectMeta, storedHeaderNames } from "../object-meta.ts";
import type { ResponseHeaders } from "../request/respond.ts";
import { bucketArn, type S3Request } from "../request/s3-request.ts";
import { encryptionHeaders, openObjectKey } from "./encryption-request.ts";

/** A version found for a read, with its metadata parsed. */
export interface FoundObject {
  readonly version: ObjectVersion;
  readonly meta: ObjectMeta;
  /** Verified plaintext, when it is remembered. */
  readonly plaintext: Uint8Array | undefined;
}

const maxVersionIdBytes = 1024;
/** No larger object was ever stored inline, whatever the threshold was. */
const maxInlineBytes = 131_072;
const unsendable = /[\r\n\0]/;

const responseOverrides = {
  "response-content-type": "content-type",
  "response-content-language": "content-language",
  "response-expires": "expires",
  "response-cache-control": "cache-control",
  "response-content-disposition": "content-disposition",
  "response-content-encoding": "content-encoding",
} as const;

/**
 * The version a GET or HEAD names.
 * @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed (a named marker), AccessDenied (absent, and the caller may not list)
 */
export async function findObject(request: S3Request, withBody: boolean): Promise<FoundObject> {
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

/** Headers of a version that GET, HEAD and 304 share. */
export function objectHeaders(request: S3Request, { version, meta }: FoundObject): ResponseHeaders {
  let fixed = fixedHeaders.get(meta);
  if (!fixed) {
    fixed = renderFixedHeaders(version, meta);
    fixedHeaders.set(meta, fixed);
  }
  const headers: ResponseHeaders = { ...fixed };
  const versionId = renderVersionId(request, version);
  if (versionId !== undefined) headers["x-amz-version-id"] = versionId;
  addTagCount(request, version, headers);
  return headers;
}

/** Headers that follow from the version alone, kept as long as its metadata is remembered. */
const fixedHeaders = new WeakMap<ObjectMeta, ResponseHeaders>();

function renderFixedHeaders(version: ObjectVersion, meta: ObjectMeta): ResponseHeaders {
  const headers: ResponseHeaders = {
    "Accept-Ranges": "bytes",
    "Last-Modified": renderHttpDate(hlcToMs(version.hlc)),
    ETag: quoteETag(version.etag),
  };
  for (const name of storedHeaderNames) {
    const value = meta.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  let missing = 0;
  for (const [name, value] of meta.user) {
    if (unsendable.test(value)) missing += 1;
    else headers[userMetadataPrefix + name] = value;
  }
  if (missing > 0) headers["x-amz-missing-meta"] = missing;
  if (meta.storageClass !== "STANDARD") headers["x-amz-storage-class"] = meta.storageClass;
  return Object.assign(headers, encryptionHeaders(meta));
}

/** The id a response names: none in a bucket that was never versioned. */
export function renderVersionId(request: S3Request, version: Pick<ObjectVersion, "versionId">): string | undefined {
  if (version.versionId !== null) return version.versionId;
  return request.bucket.versioning === "never" ? undefined : "null";
}

/**
 * Applies the `response-*` parameters; only authenticated callers may send them.
 * @throws S3Error InvalidRequest (anonymous), InvalidArgument (a value no header can carry)
 */
export function applyOverrides(request: S3Request, headers: ResponseHeaders): void {
  if (request.query.names.length === 0) return;
  for (const [parameter, header] of Object.entries(responseOverrides)) {
    const value = request.query.get(parameter);
    if (value === undefined) continue;
    if (request.identity.kind === "anonymous") {
      throw new S3Error("InvalidRequest", {
        message: "Request specific response headers cannot be used for anonymous GET requests.",
      });
    }
    if (unsendable.test(value)) throw new S3Error("InvalidArgument", { fields: { ArgumentName: parameter } });
    headers[header] = Buffer.from(value, "utf8").toString("latin1");
  }
}

function addTagCount(request: S3Request, version: ObjectVersion, headers: ResponseHeaders): void {
  if (version.attributes === null) return;
  const { tags } = JSON.parse(version.attributes) as ObjectAttributes;
  if (!tags || tags.length === 0) return;
  const action = request.versionId === undefined ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging";
  if (request.allows(action, `arn:aws:s3:::${request.bucket.name}/${request.key}`, request.bucket))
    headers["x-amz-tagging-count"] = tags.length;
}

function absent(request: S3Request): S3Error {
  if (!request.allows("s3:ListBucket", bucketArn(request.bucket.name), request.bucket))
    return new S3Error("AccessDenied");
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
