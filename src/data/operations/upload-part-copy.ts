import { type ByteRange, parseCopyRange } from "#kernel/s3/byte-range.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { renderIsoDate } from "#kernel/s3/http-date.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import type { RunningChecksum } from "../checksum/running-checksum.ts";
import { CopySlots } from "../multipart/copy-slots.ts";
import { receiveIgnoredBody } from "../request/read-small-body.ts";
import { respondSlowly, type SlowAnswer } from "../request/respond-slowly.ts";
import type { S3Request } from "../request/s3-request.ts";
import { type CopySourceObject, copySourceHeaders, findCopySource } from "./copy-source-object.ts";
import { encryptionHeaders } from "./encryption-request.ts";
import { readVersion } from "./read-version.ts";
import { renderPartChecksum } from "./render-checksum.ts";
import { commitPart, findPartTarget, type PartTarget, requirePartRoom, type WrittenPart } from "./upload-part.ts";

/** Largest part. Source: Amazon S3 limits of multipart uploads. */
const maxPartBytes = 5 * 2 ** 30;
const slots = new CopySlots();

/** UploadPartCopy: streamed from blob to blob, because a part has its upload's data key. Source: API_UploadPartCopy. */
export async function uploadPartCopy(request: S3Request): Promise<void> {
  request.plane.disk.requireRoom();
  await receiveIgnoredBody(request);
  const target = await findPartTarget(request);
  const found = await findCopySource(request);
  const range = rangeOf(request, found);
  await requirePartRoom(request, target, range.end - range.start);
  await respondSlowly(request, () => slots.run(request.holder, () => copyPart(request, target, { found, range })));
}

/** @throws S3Error InvalidArgument (a bad range), InvalidRequest (more than a part can hold) */
function rangeOf(request: S3Request, { version }: CopySourceObject): ByteRange {
  const text = request.header("x-amz-copy-source-range");
  const range = text === undefined ? { start: 0, end: version.sizeBytes } : parseCopyRange(text, version.sizeBytes);
  if (range.end - range.start <= maxPartBytes) return range;
  throw new S3Error("InvalidRequest", {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${maxPartBytes}`,
  });
}

async function copyPart(
  request: S3Request,
  target: PartTarget,
  from: { found: CopySourceObject; range: ByteRange },
): Promise<SlowAnswer> {
  const part = await writePart(request, target, from);
  const { etag, result } = await commitPart(request, target, part);
  const content =
    renderTextElement("LastModified", renderIsoDate(hlcToMs(result.hlc))) +
    renderTextElement("ETag", quoteETag(etag)) +
    renderPartChecksum(part.checksum);
  const headers = { ...encryptionHeaders(target.upload.meta), ...copySourceHeaders(from.found) };
  return { document: renderXmlDocument("CopyPartResult", content), headers };
}

async function writePart(
  request: S3Request,
  target: PartTarget,
  from: { found: CopySourceObject; range: ByteRange },
): Promise<WrittenPart> {
  const { plane } = request;
  const checksum = await plane.checksums.start(target.algorithm);
  try {
    return await streamPart(request, target, { ...from, checksum });
  } finally {
    checksum.release();
  }
}

async function streamPart(
  request: S3Request,
  target: PartTarget,
  from: { found: CopySourceObject; range: ByteRange; checksum: RunningChecksum },
): Promise<WrittenPart> {
  const { plane } = request;
  const { bucket, version, dataKey } = from.found;
  const sink = await plane.blobs.create(request.bucket.bucketId, target.dataKey);
  const md5 = target.hidesDigest ? undefined : new Bun.CryptoHasher("md5");
  try {
    for await (const piece of readVersion(plane, { bucketId: bucket.bucketId, version, dataKey, range: from.range })) {
      md5?.update(piece);
      from.checksum.update(piece);
      // A piece is valid until the next one is asked for: the sink has taken it by then.
      await sink.write(piece);
    }
  } catch (error) {
    await sink.abandon();
    throw error;
  }
  const value = Buffer.from(from.checksum.digest()).toString("base64");
  return { sink, md5: md5?.digest("hex") ?? "", checksum: { algorithm: target.algorithm, value }, ownChecksum: null };
}
