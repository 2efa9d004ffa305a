import { versionFlag } from "#kernel/protocol/mutation.ts";
import { type ChecksumAlgorithm, defaultChecksumAlgorithm, parseChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { parseStorageClass } from "#kernel/s3/storage-class.ts";
import type { ObjectMeta, StoredHeaders } from "../object-meta.ts";
import { askedObject } from "../request/load-object-tags.ts";
import type { S3Request } from "../request/s3-request.ts";
import type { CopySourceObject } from "./copy-source-object.ts";
import { digestVersion } from "./digest-version.ts";
import {
  type CustomerKey,
  checkEncryptionHeaders,
  parseCustomerKey,
  randomETag,
  wrapObjectKey,
} from "./encryption-request.ts";
import {
  checkAcl,
  checkObjectLock,
  collectMetadata,
  collectStoredHeaders,
  encodeTags,
  parseTags,
} from "./new-object.ts";

const redirectHeader = "x-amz-website-redirect-location";

/** What a copy request wants to be different from its source. */
export interface CopyWishes {
  readonly replacesMetadata: boolean;
  readonly replacesTags: boolean;
  readonly storageClass: ObjectMeta["storageClass"];
  readonly redirect: string | undefined;
  readonly customerKey: CustomerKey | undefined;
  /** The request names an encryption for the copy. */
  readonly namesEncryption: boolean;
  readonly algorithm: ChecksumAlgorithm | undefined;
}

/** The object a copy makes, beside its bytes. */
export interface CopiedObject {
  readonly meta: ObjectMeta;
  readonly etag: string;
  readonly attributes: string | null;
}

/**
 * Reads and checks the headers of a copy that do not speak of its source.
 * @throws S3Error InvalidArgument (a directive), those of `parseNewObject`
 */
export function parseCopyWishes(request: S3Request): CopyWishes {
  checkAcl(request);
  checkObjectLock(request);
  const customerKey = parseCustomerKey(request);
  checkEncryptionHeaders(request, customerKey);
  const algorithm = request.header("x-amz-checksum-algorithm");
  return {
    replacesMetadata: parseDirective(request, "x-amz-metadata-directive"),
    replacesTags: parseDirective(request, "x-amz-tagging-directive"),
    storageClass: parseStorageClass(request.header("x-amz-storage-class")),
    redirect: collectStoredHeaders(request)[redirectHeader],
    customerKey,
    namesEncryption: customerKey !== undefined || request.header("x-amz-server-side-encryption") !== undefined,
    algorithm: algorithm === undefined ? undefined : parseChecksumAlgorithm(algorithm),
  };
}

/**
 * Refuses a copy of an object onto itself that would change nothing.
 * @throws S3Error InvalidRequest
 */
export function refuseIdleCopy(request: S3Request, found: CopySourceObject, wishes: CopyWishes): void {
  const { bucket, source, version, meta } = found;
  const isItself =
    bucket.bucketId === request.bucket.bucketId &&
    source.key === request.key &&
    (version.flags & versionFlag.latest) !== 0;
  if (!isItself || wishes.replacesMetadata || wishes.namesEncryption || meta.customerKeyMd5 !== undefined) return;
  if (wishes.storageClass !== meta.storageClass || wishes.redirect !== meta.headers[redirectHeader]) return;
  throw new S3Error("InvalidRequest", {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
}

/**
 * What the copy is: its metadata, tags, wrapped key, checksum and ETag. The source is read only when a digest is wanted that
 * nobody knows: another checksum, or the MD5 of an object that leaves SSE-C.
 * @throws S3Error AccessDenied (the source's tags), InvalidRequest (a digest of more than 5 GiB), those of the headers' parsers
 */
export async function describeCopy(
  request: S3Request,
  found: CopySourceObject,
  wishes: CopyWishes,
): Promise<CopiedObject> {
  const attributes = wishes.replacesTags ? encodeTags(parseTags(request)) : copyTags(request, found);
  const { customerKey } = wishes;
  const stored = wrapObjectKey(request, {
    bucketId: request.bucket.bucketId,
    key: request.key,
    dataKey: found.dataKey,
    customerKey,
  });
  const { etag, checksum } = await chooseDigests(request, found, wishes);
  const { partCount, appendCount } = found.meta;
  const meta: ObjectMeta = {
    headers: wishes.replacesMetadata ? collectStoredHeaders(request) : copyHeaders(found.meta, wishes.redirect),
    user: wishes.replacesMetadata ? collectMetadata(request) : found.meta.user,
    storageClass: wishes.storageClass,
    checksum,
    ...stored,
    ...(partCount === undefined ? {} : { partCount }),
    ...(appendCount === undefined ? {} : { appendCount }),
  };
  return { meta, etag, attributes };
}

/** The ETag is kept with the bytes, except where SSE-C begins or ends: it must not tell a digest there, and be one here. */
async function chooseDigests(
  request: S3Request,
  found: CopySourceObject,
  wishes: CopyWishes,
): Promise<{ etag: string; checksum: ObjectMeta["checksum"] }> {
  const { meta, version } = found;
  const wanted =
    wishes.algorithm !== undefined && wishes.algorithm !== meta.checksum?.algorithm ? wishes.algorithm : undefined;
  const wasHidden = meta.customerKeyMd5 !== undefined;
  const isHidden = wishes.customerKey !== undefined;
  const wantsMd5 = wasHidden && !isHidden && meta.partCount === undefined;
  const digests =
    wanted === undefined && !wantsMd5
      ? undefined
      : await digestVersion(request, found, wanted ?? meta.checksum?.algorithm ?? defaultChecksumAlgorithm);
  const suffix = meta.partCount === undefined ? "" : `-${meta.partCount}`;
  let etag = version.etag;
  // Under another key it is another object to clients, who must not go on with the old one.
  const isRekeyed = wishes.customerKey?.md5 !== meta.customerKeyMd5;
  if (isHidden && isRekeyed) etag = `${randomETag()}${suffix}`;
  else if (wantsMd5 && digests) etag = digests.md5;
  return { etag, checksum: wanted === undefined ? meta.checksum : (digests?.checksum ?? null) };
}

/** True for REPLACE. @throws S3Error InvalidArgument for anything but COPY and REPLACE */
function parseDirective(request: S3Request, header: "x-amz-metadata-directive" | "x-amz-tagging-directive"): boolean {
  const text = request.header(header);
  if (text === undefined || text === "COPY") return false;
  if (text === "REPLACE") return true;
  const subject = header === "x-amz-metadata-directive" ? "metadata" : "tagging";
  throw new S3Error("InvalidArgument", {
    message: `Unknown ${subject} directive.`,
    fields: { ArgumentName: header, ArgumentValue: text },
  });
}

/** A redirect never comes along; the request may give one. */
function copyHeaders({ headers }: ObjectMeta, redirect: string | undefined): StoredHeaders {
  const { [redirectHeader]: _left, ...kept } = headers;
  return redirect === undefined ? kept : { ...kept, [redirectHeader]: redirect };
}

function copyTags(request: S3Request, { bucket, source, version }: CopySourceObject): string | null {
  if (version.attributes === null) return null;
  const action = source.versionId === undefined ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging";
  request.requireFor(askedObject(version, source.versionId), { action, bucket, key: source.key });
  return version.attributes;
}
