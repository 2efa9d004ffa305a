import type { AppendTarget, MutationSuccess } from "#kernel/protocol/mutation.ts";
import { defaultChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import type { WriteConditions } from "#kernel/s3/conditional-request.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { encodeFlags, type ObjectMeta } from "../object-meta.ts";
import { replacedVersion, requireQuotaRoom } from "../quota/require-quota-room.ts";
import { announcedLength } from "../request/receive-body.ts";
import { type ResponseHeaders, respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { encryptionHeaders, randomETag } from "./encryption-request.ts";
import { type NewObject, parseNewObject } from "./new-object.ts";
import { newVersionIdHeader } from "./object-headers.ts";
import { checksumHeaders } from "./render-checksum.ts";
import { maxBodyBytes, type StoredBody, storeBody } from "./store-body.ts";
import { checkEarlyConditions, writeConditions } from "./write-conditions.ts";

interface CommittedPut {
  readonly result: MutationSuccess;
  readonly etag: string;
}

/** PutObject: bytes first, synced; then one commit. Source: API_PutObject. */
export async function putObject(request: S3Request): Promise<void> {
  const { headers } = await storeNewObject(request, null);
  respondEmpty(request, 200, headers);
}

/**
 * Stores the body as a new version.
 * @param appendTo what the current version must be when the commit happens; null: anything
 * @returns headers of the answer, size of the object
 */
export async function storeNewObject(
  request: S3Request,
  appendTo: AppendTarget | null,
): Promise<{ headers: ResponseHeaders; sizeBytes: number }> {
  request.plane.disk.requireRoom(Math.min(Number(request.header("content-length") ?? 0), maxBodyBytes(request)));
  const conditions = writeConditions(request);
  const object = parseNewObject(request);
  if (conditions) await checkEarlyConditions(request, conditions);
  const bytes = announcedLength(request, false) ?? 0;
  const waiting = requireQuotaRoom(request, { bytes, objects: 1 }, () => replacedVersion(request));
  if (waiting !== undefined) await waiting;
  const body = await storeBody(request, { customerKey: object.customerKey, defaultChecksum: defaultChecksumAlgorithm });
  const committed = await commitPut(request, { object, body, conditions, appendTo });
  return { headers: putHeaders(object, body, committed), sizeBytes: body.received.sizeBytes };
}

async function commitPut(
  request: S3Request,
  put: { object: NewObject; body: StoredBody; conditions: WriteConditions | null; appendTo: AppendTarget | null },
): Promise<CommittedPut> {
  const { object, body, conditions, appendTo } = put;
  const etag = object.customerKey ? randomETag() : body.received.md5;
  const meta: ObjectMeta = {
    headers: object.headers,
    user: object.user,
    storageClass: object.storageClass,
    checksum: body.received.checksum,
    ...body.key,
  };
  const json = JSON.stringify(meta);
  const bytes = await body.finish({ etag, meta: json });
  try {
    const result = await request.commit(
      {
        kind: "put",
        bucketId: request.bucket.bucketId,
        key: request.key,
        requestId: request.id,
        principal: request.principal,
        sizeBytes: body.received.sizeBytes,
        etag,
        flags: encodeFlags(meta.checksum, meta.storageClass),
        meta: json,
        attributes: object.attributes,
        bytes,
        conditions,
        appendTo,
      },
      body.inline,
    );
    return { result, etag };
  } catch (error) {
    await body.discard(error);
    throw error;
  }
}

function putHeaders(object: NewObject, body: StoredBody, { result, etag }: CommittedPut): ResponseHeaders {
  const headers: ResponseHeaders = {
    ETag: quoteETag(etag),
    ...checksumHeaders(body.received.checksum),
    ...encryptionHeaders(body.key),
    ...newVersionIdHeader(result),
  };
  if (object.storageClass !== "STANDARD") headers["x-amz-storage-class"] = object.storageClass;
  return headers;
}
