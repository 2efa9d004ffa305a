import { type AppendTarget, type MutationSuccess, versionFlag } from "#kernel/protocol/mutation.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { maxPartNumber } from "#kernel/xml/read-complete-multipart-upload.ts";
import type { ObjectVersion } from "../catalog/catalog.ts";
import { encodeFlags, type ObjectMeta, parseObjectMeta, storedHeaderNames } from "../object-meta.ts";
import { replacedVersion, requireQuotaRoom } from "../quota/require-quota-room.ts";
import { announcedLength } from "../request/receive-body.ts";
import { type ResponseHeaders, respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { appendBlob } from "./append-blob.ts";
import { appendInline } from "./append-inline.ts";
import { type AppendedBytes, type AppendedTo, emptyAppend } from "./appended-object.ts";
import { checkEncryptionHeaders, encryptionHeaders, openObjectKey, parseCustomerKey } from "./encryption-request.ts";
import { checkAcl, checkObjectLock, collectMetadata, collectStoredHeaders } from "./new-object.ts";
import { newVersionIdHeader } from "./object-headers.ts";
import { storeNewObject } from "./put-object.ts";
import { checksumHeaders } from "./render-checksum.ts";
import { checkEarlyConditions, writeConditions } from "./write-conditions.ts";

const offsetHeader = "x-amz-write-offset-bytes";
const maxAppends = 10_000;

/**
 * PutObject with `x-amz-write-offset-bytes`: adds to the end of the current object, or makes it. A small object is stored
 * again together with the new bytes; others get one more blob, so that an append costs what it appends.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-buckets-objects-append.html
 */
export async function appendObject(request: S3Request): Promise<void> {
  request.plane.disk.requireRoom();
  const offset = parseOffset(request.header(offsetHeader) ?? "");
  const version = await request.plane.catalog.findNewest(request.bucket.bucketId, request.key, true);
  if (!version || version.flags & versionFlag.marker) {
    if (offset !== 0) throw new S3Error("InvalidWriteOffset");
    const { headers, sizeBytes } = await storeNewObject(request, { hlc: null });
    respondEmpty(request, 200, { ...headers, "x-amz-object-size": sizeBytes });
    return;
  }
  if (offset !== version.sizeBytes) throw new S3Error("InvalidWriteOffset");
  const target = openTarget(request, version);
  const conditions = writeConditions(request);
  if (conditions) await checkEarlyConditions(request, conditions);
  const bytes = version.sizeBytes + (announcedLength(request, false) ?? 0);
  await requireQuotaRoom(request, { bytes, objects: 1 }, () => replacedVersion(request));
  const appended = version.body ? await appendInline(request, target, version.body) : await appendBlob(request, target);
  const result = await commitAppend(request, target, appended);
  respondEmpty(request, 200, appendHeaders(appended, result));
}

/**
 * Checks all that the headers decide.
 * @throws S3Error InvalidRequest (new metadata, no bytes, SSE-C key missing), TooManyParts, AccessDenied (another key)
 */
function openTarget(request: S3Request, version: ObjectVersion): AppendedTo {
  checkAcl(request);
  checkObjectLock(request);
  const customerKey = parseCustomerKey(request);
  checkEncryptionHeaders(request, customerKey);
  const meta = parseObjectMeta(version.meta);
  refuseNewMetadata(request, meta);
  const dataKey = openObjectKey(request, {
    bucketId: request.bucket.bucketId,
    key: request.key,
    stored: meta,
    customerKey,
  });
  if ((meta.appendCount ?? 0) >= maxAppends || (meta.partCount ?? 1) >= maxPartNumber)
    throw new S3Error("TooManyParts");
  if (announcedLength(request, false) === 0) throw emptyAppend();
  return { version, meta, dataKey, customerKey };
}

async function commitAppend(
  request: S3Request,
  { version }: AppendedTo,
  appended: AppendedBytes,
): Promise<MutationSuccess> {
  const { key, id: requestId, principal } = request;
  const { sizeBytes, etag, meta, bytes } = appended;
  const appendTo: AppendTarget = { hlc: version.hlc };
  try {
    return await request.commit(
      {
        kind: "put",
        bucketId: request.bucket.bucketId,
        key,
        requestId,
        principal,
        sizeBytes,
        etag,
        flags: encodeFlags(meta.checksum, meta.storageClass),
        meta: JSON.stringify(meta),
        attributes: version.attributes,
        bytes,
        conditions: writeConditions(request),
        appendTo,
      },
      appended.inline,
    );
  } catch (error) {
    await appended.discard(error);
    throw error;
  }
}

/** The object keeps what it is. Content-Type is not compared: clients fill it in by themselves. */
function refuseNewMetadata(request: S3Request, meta: ObjectMeta): void {
  const sent = collectStoredHeaders(request);
  const isNew =
    collectMetadata(request).length > 0 ||
    request.header("x-amz-tagging") !== undefined ||
    (request.header("x-amz-storage-class") ?? meta.storageClass) !== meta.storageClass ||
    storedHeaderNames.some(
      (name) => name !== "content-type" && sent[name] !== undefined && sent[name] !== meta.headers[name],
    );
  if (isNew) throw new S3Error("InvalidRequest", { message: "An append cannot change the metadata of an object" });
}

function appendHeaders({ etag, meta, sizeBytes }: AppendedBytes, result: MutationSuccess): ResponseHeaders {
  return {
    ETag: quoteETag(etag),
    ...checksumHeaders(meta.checksum),
    ...encryptionHeaders(meta),
    ...newVersionIdHeader(result),
    "x-amz-object-size": sizeBytes,
  };
}

function parseOffset(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error("InvalidArgument", {
    message: "The write offset must be a whole number",
    fields: { ArgumentName: offsetHeader, ArgumentValue: text },
  });
}
