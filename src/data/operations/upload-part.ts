import type { MutationSuccess } from "#kernel/protocol/mutation.ts";
import { type ChecksumAlgorithm, defaultChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { BlobSink } from "../blobs/blobs.ts";
import { type FoundUpload, findOpenUpload } from "../multipart/find-upload.ts";
import { encodePartChecksums, type PartChecksum } from "../multipart/part-checksum.ts";
import { parsePartNumber } from "../multipart/part-number.ts";
import { replacedPart, requireQuotaRoom } from "../quota/require-quota-room.ts";
import { announcedLength } from "../request/receive-body.ts";
import { type ResponseHeaders, respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { encryptionHeaders, openObjectKey, parseCustomerKey, randomETag } from "./encryption-request.ts";
import { type BlobBody, isHoistedChecksum, receiveToBlob, sentChecksumAlgorithm } from "./receive-to-blob.ts";
import { partChecksumHeaders } from "./render-checksum.ts";
import { discardBlob, finishBlob, maxBodyBytes } from "./store-body.ts";

/** The place a part is for, with the data key of its upload. */
export interface PartTarget {
  readonly upload: FoundUpload;
  readonly partNumber: number;
  readonly dataKey: Uint8Array;
  /** What the object will be checksummed with. */
  readonly algorithm: ChecksumAlgorithm;
  /** The ETag is random, so that no digest of the plaintext leaks. */
  readonly hidesDigest: boolean;
}

/** A part whose bytes are written to a blob that nobody names yet. */
export interface WrittenPart {
  readonly sink: BlobSink;
  /** Lower-case hex; unused where the digest is hidden. */
  readonly md5: string;
  readonly checksum: PartChecksum;
  /** What the client sent with the body, if it did. */
  readonly ownChecksum: PartChecksum | null;
}

/** UploadPart: always a blob, under the upload's data key. Source: API_UploadPart. */
export async function uploadPart(request: S3Request): Promise<void> {
  request.plane.disk.requireRoom(Math.min(Number(request.header("content-length") ?? 0), maxBodyBytes(request)));
  const target = await findPartTarget(request);
  refuseOtherAlgorithm(target, earlyAlgorithm(request));
  const waiting = requirePartRoom(request, target, announcedLength(request, false) ?? 0);
  if (waiting !== undefined) await waiting;
  const { dataKey, algorithm, hidesDigest } = target;
  const body = await receiveToBlob(request, { dataKey, algorithm, wantMd5: !hidesDigest });
  const { etag } = await commitPart(request, target, await checkBody(target, body));
  respondEmpty(request, 200, partHeaders(target, body, etag));
}

/**
 * The upload and part number of the URL.
 * @throws S3Error NoSuchUpload, InvalidArgument (partNumber), InvalidRequest or AccessDenied (SSE-C key missing, or another
 * than the upload's)
 */
export async function findPartTarget(request: S3Request): Promise<PartTarget> {
  const { bucketId } = request.bucket;
  const { key, query } = request;
  const partNumber = parsePartNumber(query.get("partNumber") ?? "");
  const upload = await findOpenUpload(request.plane.catalog, { bucketId, key, uploadId: query.get("uploadId") ?? "" });
  const customerKey = parseCustomerKey(request);
  const dataKey = openObjectKey(request, { bucketId, key, stored: upload.meta, customerKey });
  const algorithm = upload.meta.checksumAlgorithm ?? defaultChecksumAlgorithm;
  return { upload, partNumber, dataKey, algorithm, hidesDigest: upload.meta.customerKeyMd5 !== undefined };
}

/** @throws S3Error QuotaExceeded, as rejection, when a part of so many bytes cannot be stored */
export function requirePartRoom(
  request: S3Request,
  { upload, partNumber }: PartTarget,
  bytes: number,
): Promise<void> | undefined {
  return requireQuotaRoom(request, { bytes, objects: 0 }, () => replacedPart(request, upload.uploadId, partNumber));
}

/** Makes the part's blob durable and commits it. @throws S3Error NoSuchUpload when the upload ended meanwhile; the blob is removed then */
export async function commitPart(
  request: S3Request,
  target: PartTarget,
  part: WrittenPart,
): Promise<{ etag: string; result: MutationSuccess }> {
  const { bucketId } = request.bucket;
  const { upload, partNumber } = target;
  const { key, id: requestId, principal } = request;
  const { uploadId } = upload;
  const etag = target.hidesDigest ? randomETag() : part.md5;
  const blob = await finishBlob(part.sink, { bucketId, key, wrappedKey: upload.meta.key, etag, uploadId, partNumber });
  const checksum = encodePartChecksums(part.checksum, part.ownChecksum);
  try {
    const result = await request.commit({
      kind: "putPart",
      bucketId,
      key,
      requestId,
      principal,
      uploadId,
      partNumber,
      blob,
      etag,
      checksum,
    });
    return { etag, result };
  } catch (error) {
    await discardBlob(part.sink, error);
    throw error;
  }
}

/** The algorithm of the client's checksum, unless it may be one that was signed before there was a body. */
function earlyAlgorithm(request: S3Request): ChecksumAlgorithm | undefined {
  const algorithm = sentChecksumAlgorithm(request);
  return algorithm === undefined || isHoistedChecksum(request, algorithm) ? undefined : algorithm;
}

async function checkBody(target: PartTarget, { sink, received, checksum }: BlobBody): Promise<WrittenPart> {
  try {
    refuseOtherAlgorithm(target, received.checksum?.algorithm);
  } catch (error) {
    await sink.abandon();
    throw error;
  }
  return { sink, md5: received.md5, checksum, ownChecksum: received.checksum };
}

/** Uploads that were created without an algorithm take any. @throws S3Error InvalidRequest */
function refuseOtherAlgorithm({ upload }: PartTarget, algorithm: ChecksumAlgorithm | undefined): void {
  const wanted = upload.meta.checksumAlgorithm;
  if (wanted === null || algorithm === undefined || algorithm === wanted) return;
  throw new S3Error("InvalidRequest", {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${wanted.toLowerCase()}, actual checksum Type: ${algorithm.toLowerCase()}`,
  });
}

function partHeaders(target: PartTarget, body: BlobBody, etag: string): ResponseHeaders {
  const own = body.received.checksum ?? body.checksum;
  return {
    ETag: quoteETag(etag),
    ...partChecksumHeaders(own),
    ...encryptionHeaders(target.upload.meta),
  };
}
