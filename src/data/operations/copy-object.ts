import type { MutationSuccess, PutBytes } from "#kernel/protocol/mutation.ts";
import type { WriteConditions } from "#kernel/s3/conditional-request.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { renderIsoDate } from "#kernel/s3/http-date.ts";
import { renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import { encodeFlags } from "../object-meta.ts";
import { replacedVersion, requireQuotaRoom } from "../quota/require-quota-room.ts";
import { receiveIgnoredBody } from "../request/read-small-body.ts";
import type { ResponseHeaders } from "../request/respond.ts";
import { respondSlowly, type SlowAnswer } from "../request/respond-slowly.ts";
import type { S3Request } from "../request/s3-request.ts";
import { type CopiedObject, type CopyWishes, describeCopy, parseCopyWishes, refuseIdleCopy } from "./copied-object.ts";
import { type CopySourceObject, copySourceHeaders, findCopySource } from "./copy-source-object.ts";
import { encryptionHeaders } from "./encryption-request.ts";
import { linkExtents } from "./link-extents.ts";
import { renderChecksum } from "./render-checksum.ts";
import { checkEarlyConditions, writeConditions } from "./write-conditions.ts";

/** A copy whose headers were checked and whose source was found. */
interface Copy {
  readonly found: CopySourceObject;
  readonly wishes: CopyWishes;
  readonly conditions: WriteConditions | null;
}

/**
 * CopyObject: no byte is copied or encrypted again, whatever its size; the copy has the source's data key, wrapped for its
 * own name. Within a bucket the catalog shares the bytes, from another one blobs are linked. Source: API_CopyObject.
 */
export async function copyObject(request: S3Request): Promise<void> {
  request.plane.disk.requireRoom();
  await receiveIgnoredBody(request);
  const conditions = writeConditions(request);
  const wishes = parseCopyWishes(request);
  const found = await findCopySource(request);
  refuseIdleCopy(request, found, wishes);
  if (conditions) await checkEarlyConditions(request, conditions);
  await requireQuotaRoom(request, { bytes: found.version.sizeBytes, objects: 1 }, () => replacedVersion(request));
  await respondSlowly(request, () => copy(request, { found, wishes, conditions }));
}

async function copy(request: S3Request, { found, wishes, conditions }: Copy): Promise<SlowAnswer> {
  const object = await describeCopy(request, found, wishes);
  const { bytes, inline } = await shareBytes(request, found);
  const { meta, etag, attributes } = object;
  const { key, id: requestId, principal } = request;
  const result = await request.commit(
    {
      kind: "put",
      bucketId: request.bucket.bucketId,
      key,
      requestId,
      principal,
      sizeBytes: found.version.sizeBytes,
      etag,
      flags: encodeFlags(meta.checksum, meta.storageClass),
      meta: JSON.stringify(meta),
      attributes,
      bytes,
      conditions,
    },
    inline,
  );
  return answer(found, object, result);
}

/** Ciphertext is the same under the same data key, so that even a small body goes to another bucket as it is. */
async function shareBytes(
  request: S3Request,
  { bucket, version }: CopySourceObject,
): Promise<{ bytes: PutBytes; inline?: Uint8Array }> {
  const { bucketId } = request.bucket;
  if (bucket.bucketId === bucketId) return { bytes: { kind: "share", detailId: version.detailId ?? 0 } };
  if (version.body) return { bytes: { kind: "inline", slice: [0, version.body.length] }, inline: version.body };
  const parts = await linkExtents(request.plane, {
    fromBucketId: bucket.bucketId,
    toBucketId: bucketId,
    detailId: version.detailId ?? 0,
  });
  return { bytes: { kind: "linked", parts } };
}

function answer(found: CopySourceObject, { meta, etag }: CopiedObject, result: MutationSuccess): SlowAnswer {
  const headers: ResponseHeaders = { ...encryptionHeaders(meta), ...copySourceHeaders(found) };
  // Unlike a put, a copy names a new `null` version too.
  if (result.versionId !== null) headers["x-amz-version-id"] = result.versionId;
  const content =
    renderTextElement("LastModified", renderIsoDate(hlcToMs(result.hlc))) +
    renderTextElement("ETag", quoteETag(etag)) +
    renderChecksum(meta.checksum);
  return { document: renderXmlDocument("CopyObjectResult", content), headers };
}
