import type { MutationSuccess } from "#kernel/protocol/mutation.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { renderHttpDate } from "#kernel/s3/http-date.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { userMetadataPrefix } from "#kernel/s3/user-metadata.ts";
import type { ObjectVersion } from "../catalog/catalog.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import { type ObjectMeta, parseObjectAttributes, storedHeaderNames } from "../object-meta.ts";
import type { ResponseHeaders } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { encryptionHeaders } from "./encryption-request.ts";
import type { FoundObject } from "./find-object.ts";

const unsendable = /[\r\n\0]/;

const responseOverrides = {
  "response-content-type": "content-type",
  "response-content-language": "content-language",
  "response-expires": "expires",
  "response-cache-control": "cache-control",
  "response-content-disposition": "content-disposition",
  "response-content-encoding": "content-encoding",
} as const;

/** Headers of a version that GET, HEAD and 304 share. */
export function objectHeaders(request: S3Request, { version, meta }: FoundObject): ResponseHeaders {
  let fixed = fixedHeaders.get(meta);
  if (!fixed) {
    fixed = renderFixedHeaders(version, meta);
    fixedHeaders.set(meta, fixed);
  }
  const headers: ResponseHeaders = { ...fixed };
  Object.assign(headers, versionIdHeader(request, version));
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

/** `x-amz-version-id` of a version that was read; none in a bucket that was never versioned. */
export function versionIdHeader(request: S3Request, { versionId }: Pick<ObjectVersion, "versionId">): ResponseHeaders {
  if (versionId === null && request.bucket.versioning === "never") return {};
  return { "x-amz-version-id": versionId ?? "null" };
}

/** `x-amz-version-id` of a version that was made; a new `null` version is not named. */
export function newVersionIdHeader({ versionId }: Pick<MutationSuccess, "versionId">): ResponseHeaders {
  return versionId === null || versionId === "null" ? {} : { "x-amz-version-id": versionId };
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
  const { tags } = parseObjectAttributes(version.attributes);
  if (!tags || tags.length === 0) return;
  const action = request.versionId === undefined ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging";
  if (request.allows(action, request.bucket, request.key)) headers["x-amz-tagging-count"] = tags.length;
}
