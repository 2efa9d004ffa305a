import { stripAwsChunked } from "#kernel/s3/content-encoding.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { parseStorageClass, type StorageClass } from "#kernel/s3/storage-class.ts";
import { parseTaggingHeader, type Tag } from "#kernel/s3/tagging.ts";
import { collectUserMetadata, type UserMetadata, userMetadataPrefix } from "#kernel/s3/user-metadata.ts";
import { type ObjectAttributes, type StoredHeaders, storedHeaderNames } from "../object-meta.ts";
import type { S3Request } from "../request/s3-request.ts";
import { type CustomerKey, checkEncryptionHeaders, parseCustomerKey } from "./encryption-request.ts";

/** What a request fixes about a new object beside its bytes: PutObject, CopyObject (REPLACE), CreateMultipartUpload. */
export interface NewObject {
  readonly headers: StoredHeaders;
  readonly user: UserMetadata;
  readonly storageClass: StorageClass;
  readonly attributes: string | null;
  readonly customerKey: CustomerKey | undefined;
}

const ownerAcls = new Set(["bucket-owner-full-control", "private"]);
const defaultContentType = "binary/octet-stream";

/**
 * Reads and checks the headers of a new object.
 * @throws S3Error of each header's parser; AccessControlListNotSupported, InvalidRequest (lock without bucket lock)
 */
export function parseNewObject(request: S3Request): NewObject {
  checkAcl(request);
  checkObjectLock(request);
  const customerKey = parseCustomerKey(request);
  checkEncryptionHeaders(request, customerKey);
  return {
    headers: collectStoredHeaders(request),
    user: collectMetadata(request),
    storageClass: parseStorageClass(request.header("x-amz-storage-class")),
    attributes: encodeTags(parseTags(request)),
    customerKey,
  };
}

/** The stored headers of a request: the allow-list and nothing else. */
export function collectStoredHeaders(request: S3Request): StoredHeaders {
  const stored: Record<string, string> = {};
  for (const name of storedHeaderNames) {
    const value = name === "content-encoding" ? stripAwsChunked(request.header(name)) : request.header(name);
    if (value !== undefined && value !== "") stored[name] = value;
  }
  stored["content-type"] ??= defaultContentType;
  checkRedirect(stored["x-amz-website-redirect-location"]);
  return stored;
}

/** User metadata of headers and, for presigned URLs, of signed query parameters. */
export function collectMetadata(request: S3Request): UserMetadata {
  const { authentication, message } = request;
  if (authentication.kind === "anonymous") return collectUserMetadata(message.rawHeaders);
  const hoisted: string[] = [];
  for (const [name, value] of Object.entries(authentication.hoistedHeaders)) {
    if (name.startsWith(userMetadataPrefix) && message.headers[name] === undefined) hoisted.push(name, value);
  }
  return collectUserMetadata(hoisted.length === 0 ? message.rawHeaders : [...message.rawHeaders, ...hoisted]);
}

/** Tags of the header `x-amz-tagging`; empty without it. */
export function parseTags(request: S3Request): readonly Tag[] {
  const header = request.header("x-amz-tagging");
  return header === undefined ? [] : parseTaggingHeader(header);
}

/** JSON for a version's attributes; null when there are no tags. */
export function encodeTags(tags: readonly Tag[]): string | null {
  if (tags.length === 0) return null;
  return JSON.stringify({ tags: tags.map((tag) => [tag.key, tag.value] as const) } satisfies ObjectAttributes);
}

/** Buckets own their objects: ACLs may only say what holds anyway. @throws S3Error AccessControlListNotSupported, InvalidArgument */
export function checkAcl(request: S3Request): void {
  const acl = request.header("x-amz-acl");
  if (acl !== undefined && !ownerAcls.has(acl)) throw new S3Error("AccessControlListNotSupported");
  for (const name in request.headers)
    if (name.startsWith("x-amz-grant-")) throw new S3Error("AccessControlListNotSupported");
}

/** Locks need a bucket with Object Lock. @throws S3Error InvalidRequest */
export function checkObjectLock(request: S3Request): void {
  for (const name of [
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
  ]) {
    if (request.header(name) !== undefined)
      throw new S3Error("InvalidRequest", { message: "Bucket is missing Object Lock Configuration" });
  }
}

function checkRedirect(location: string | undefined): void {
  if (location === undefined || /^(\/|https?:\/\/)/.test(location)) return;
  throw new S3Error("InvalidArgument", {
    message: "The website redirect location must have a prefix of 'http://' or 'https://' or '/'",
    fields: { ArgumentName: "x-amz-website-redirect-location", ArgumentValue: location },
  });
}
