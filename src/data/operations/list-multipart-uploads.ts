import { renderElement, renderOptionalElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { parseVersionId } from "../catalog/version-id.ts";
import {
  parseKeyLike,
  parseListingParameters,
  renderKeyElement,
  renderParameters,
} from "../listing/listing-parameters.ts";
import { listingStart, markerOf, readPage } from "../listing/pager.ts";
import { renderBucketOwner, renderCommonPrefixes, renderUploads } from "../listing/render-entries.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

/**
 * ListMultipartUploads: by key, then in the order they began. Without `key-marker`, `upload-id-marker` is ignored.
 * Source: API_ListMultipartUploads.
 */
export async function listMultipartUploads(request: S3Request): Promise<void> {
  const { bucket, plane, query } = request;
  const parameters = parseListingParameters(query, "max-uploads");
  const keyMarker = parseKeyLike(query, "key-marker") ?? "";
  const uploadIdMarker = parseKeyLike(query, "upload-id-marker") ?? "";
  const hlc = keyMarker === "" || uploadIdMarker === "" ? undefined : await placeOf(request, keyMarker, uploadIdMarker);
  const start = listingStart(parameters, { key: keyMarker, hlc });
  const page = await readPage(parameters, start, (range, limit) =>
    plane.catalog.listUploads(bucket.bucketId, range, limit),
  );
  const style = {
    renderKey: parameters.renderKey,
    owner: renderBucketOwner(bucket),
  };
  const head =
    renderTextElement("Bucket", bucket.name) +
    renderKeyElement(parameters, "KeyMarker", keyMarker) +
    renderTextElement("UploadIdMarker", uploadIdMarker) +
    renderKeyElement(parameters, "NextKeyMarker", page.end && markerOf(page.end)) +
    renderOptionalElement("NextUploadIdMarker", page.end?.kind === "row" ? page.end.row[1] : undefined) +
    renderParameters(parameters, "MaxUploads") +
    renderElement("IsTruncated", String(page.end !== undefined));
  respondXml(
    request,
    renderXmlDocument(
      "ListMultipartUploadsResult",
      head + renderUploads(page.rows, style) + renderCommonPrefixes(page.prefixes, style),
    ),
  );
}

/** When the marker's upload began; ids carry it nearly, for uploads that are gone. Unknown ids: the key's uploads are listed again. */
async function placeOf(request: S3Request, key: string, uploadId: string): Promise<number> {
  const upload = await request.plane.catalog.readUpload(request.bucket.bucketId, uploadId);
  if (upload?.key === key) return upload.initiatedHlc;
  return parseVersionId(uploadId) ?? 0;
}
