import { renderElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import {
  parseKeyLike,
  parseListingParameters,
  renderKeyElement,
  renderParameters,
} from "../listing/listing-parameters.ts";
import { listingStart, markerOf, readPage } from "../listing/pager.ts";
import { renderBucketOwner, renderCommonPrefixes, renderContents } from "../listing/render-entries.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

/** ListObjects, the first version: `Marker` always, `NextMarker` whenever the page is not the last. Source: API_ListObjects. */
export async function listObjects(request: S3Request): Promise<void> {
  const { bucket, plane, query } = request;
  const parameters = parseListingParameters(query, "max-keys");
  const marker = parseKeyLike(query, "marker") ?? "";
  const start = listingStart(parameters, { key: marker });
  const page = await readPage(parameters, start, (range, limit) =>
    plane.catalog.listCurrent(bucket.bucketId, range, limit),
  );
  const style = {
    renderKey: parameters.renderKey,
    owner: renderBucketOwner(bucket),
  };
  const head =
    renderTextElement("Name", bucket.name) +
    renderParameters(parameters, "MaxKeys") +
    renderKeyElement(parameters, "Marker", marker) +
    renderKeyElement(parameters, "NextMarker", page.end && markerOf(page.end)) +
    renderElement("IsTruncated", String(page.end !== undefined));
  respondXml(
    request,
    renderXmlDocument(
      "ListBucketResult",
      head + renderContents(page.rows, style) + renderCommonPrefixes(page.prefixes, style),
    ),
  );
}
