import { defaultChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import { combineCrc } from "#kernel/s3/combine-crc.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { maxPartNumber } from "#kernel/xml/read-complete-multipart-upload.ts";
import { isCombinable } from "../multipart/assemble-object.ts";
import { encodePartChecksum } from "../multipart/part-checksum.ts";
import type { ObjectChecksum, ObjectMeta } from "../object-meta.ts";
import type { S3Request } from "../request/s3-request.ts";
import { type AppendedBytes, type AppendedTo, emptyAppend } from "./appended-object.ts";
import { digestVersion } from "./digest-version.ts";
import { randomETag } from "./encryption-request.ts";
import { type BlobBody, receiveToBlob } from "./receive-to-blob.ts";
import { discardBlob, finishBlob } from "./store-body.ts";

/**
 * Adds a blob behind those of the object, under the same data key: its id makes its keys its own. The ETag tells that it is
 * no MD5 of the content: MD5 of the old one and the new bytes' MD5, then `-` and the number of blobs.
 * @throws S3Error as `receiveBody`, InvalidRequest (no bytes; more than 5 GiB whose checksum cannot be continued)
 */
export async function appendBlob(request: S3Request, target: AppendedTo): Promise<AppendedBytes> {
  const { version, dataKey } = target;
  const before = await continuableChecksum(request, target);
  const body = await receiveToBlob(request, { dataKey, algorithm: before.algorithm, wantMd5: true });
  const { sink, received } = body;
  try {
    if (received.sizeBytes === 0) throw emptyAppend();
    const partCount = (target.meta.partCount ?? 1) + 1;
    const etag = `${nextETag(target, received.md5)}-${partCount}`;
    const meta: ObjectMeta = {
      ...target.meta,
      checksum: continueChecksum(before, body),
      partCount,
      appendCount: (target.meta.appendCount ?? 0) + 1,
    };
    const { bucketId } = request.bucket;
    const partNumber = await nextPartNumber(request, target);
    const blob = await finishBlob(sink, { bucketId, key: request.key, wrappedKey: meta.key, etag, partNumber });
    return {
      sizeBytes: version.sizeBytes + received.sizeBytes,
      etag,
      meta,
      bytes: { kind: "append", detailId: version.detailId ?? 0, blob, checksum: encodePartChecksum(body.checksum) },
      inline: undefined,
      discard: (reason) => discardBlob(sink, reason),
    };
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

/** The number behind the last one; numbers of a multipart object may have gaps. @throws S3Error TooManyParts */
async function nextPartNumber(request: S3Request, { version }: AppendedTo): Promise<number> {
  const last = await request.plane.catalog.lastPartNumber(request.bucket.bucketId, version.detailId ?? 0);
  if (last >= maxPartNumber) throw new S3Error("TooManyParts");
  return last + 1;
}

function nextETag({ version, meta }: AppendedTo, md5: string): string {
  if (meta.customerKeyMd5 !== undefined) return randomETag();
  return new Bun.CryptoHasher("md5").update(version.etag).update(md5).digest("hex");
}

/** The object's checksum when it can be continued, else its CRC64NVME, for which the object is read once. */
async function continuableChecksum(
  request: S3Request,
  { version, meta, dataKey }: AppendedTo,
): Promise<ObjectChecksum> {
  const { checksum } = meta;
  if (checksum?.type === "FULL_OBJECT" && isCombinable(checksum.algorithm)) return checksum;
  const digests = await digestVersion(request, { bucket: request.bucket, version, dataKey }, defaultChecksumAlgorithm);
  return digests.checksum;
}

function continueChecksum(before: ObjectChecksum, { checksum, received }: BlobBody): ObjectChecksum {
  const { algorithm } = before;
  if (!isCombinable(algorithm)) throw new S3Error("InternalError");
  const crc = Buffer.from(checksum.value, "base64");
  const combined = combineCrc(algorithm, Buffer.from(before.value, "base64"), { crc, lengthBytes: received.sizeBytes });
  return { algorithm, type: "FULL_OBJECT", value: Buffer.from(combined).toString("base64") };
}
