import { quoteETag } from "#kernel/s3/etag.ts";
import { renderIsoDate } from "#kernel/s3/http-date.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { renderElement, renderOptionalElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import type { UploadedPart } from "../catalog/catalog.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import { renderBucketOwner, renderOwner } from "../listing/render-entries.ts";
import { findOpenUpload } from "../multipart/find-upload.ts";
import { parsePartChecksums } from "../multipart/part-checksum.ts";
import type { UploadMeta } from "../object-meta.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { renderPartChecksum } from "./render-checksum.ts";

/** Parts of one page. */
const maxPageParts = 1000;

/** ListParts, a page of them in the order of their numbers; an upload without parts is a page too. Source: API_ListParts. */
export async function listParts(request: S3Request): Promise<void> {
  const { bucketId } = request.bucket;
  const { key, query } = request;
  const maxParts = Math.min(parseCount("max-parts", query.get("max-parts"), maxPageParts), maxPageParts);
  const marker = parseCount("part-number-marker", query.get("part-number-marker"), 0);
  const uploadId = query.get("uploadId") ?? "";
  const upload = await findOpenUpload(request.plane.catalog, { bucketId, key, uploadId });
  const found =
    maxParts === 0 ? [] : await request.plane.catalog.listParts(bucketId, uploadId, { marker, limit: maxParts + 1 });
  const page = found.slice(0, maxParts);
  const content =
    renderTextElement("Bucket", request.bucketName) +
    renderTextElement("Key", key) +
    renderTextElement("UploadId", uploadId) +
    renderPeople(request, upload.meta) +
    renderTextElement("StorageClass", upload.meta.storageClass) +
    renderTextElement("PartNumberMarker", marker) +
    renderTextElement("NextPartNumberMarker", page.at(-1)?.partNumber ?? 0) +
    renderTextElement("MaxParts", maxParts) +
    renderTextElement("IsTruncated", found.length > page.length) +
    renderOptionalElement("ChecksumAlgorithm", upload.meta.checksumAlgorithm ?? undefined) +
    renderOptionalElement("ChecksumType", upload.meta.checksumType ?? undefined) +
    page.map(renderPart).join("");
  respondXml(request, renderXmlDocument("ListPartsResult", content));
}

function renderPeople({ bucket }: S3Request, { initiator }: UploadMeta): string {
  return renderOwner("Initiator", initiator) + renderBucketOwner(bucket);
}

/** One checksum: the client's own if it sent one, since Complete takes no two for a part. */
function renderPart({ partNumber, hlc, etag, sizeBytes, checksum }: UploadedPart): string {
  const own = parsePartChecksums(checksum).at(-1);
  const content =
    renderTextElement("PartNumber", partNumber) +
    renderTextElement("LastModified", renderIsoDate(hlcToMs(hlc))) +
    renderTextElement("ETag", quoteETag(etag)) +
    renderTextElement("Size", sizeBytes) +
    (own === undefined ? "" : renderPartChecksum(own));
  return renderElement("Part", content);
}

function parseCount(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^(?:0|[1-9]\d{0,8})$/.test(text)) return Number(text);
  throw new S3Error("InvalidArgument", {
    message: `Argument ${name} must be an integer between 0 and 2147483647`,
    fields: { ArgumentName: name, ArgumentValue: text },
  });
}
