import { renderElement, renderOptionalElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
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

/** ListObjectsV2: pages by opaque tokens; a token beats `start-after`. Source: API_ListObjectsV2. */
export async function listObjectsV2(request: S3Request): Promise<void> {
  const { bucket, plane, query } = request;
  const parameters = parseListingParameters(query, "max-keys");
  const startAfter = parseKeyLike(query, "start-after");
  const token = query.get("continuation-token");
  const scope = { bucketId: bucket.bucketId, prefix: parameters.prefix, delimiter: parameters.delimiter };
  const marker = token === undefined ? (startAfter ?? "") : plane.continuationTokens.open(scope, token);
  const start = listingStart(parameters, { key: marker });
  const page = await readPage(parameters, start, (range, limit) =>
    plane.catalog.listCurrent(bucket.bucketId, range, limit),
  );
  const nextToken = page.end && plane.continuationTokens.make(scope, markerOf(page.end));
  const wantsOwner = query.get("fetch-owner")?.toLowerCase() === "true";
  const owner = wantsOwner ? renderBucketOwner(bucket) : "";
  const style = { renderKey: parameters.renderKey, owner };
  const head =
    renderTextElement("Name", bucket.name) +
    renderParameters(parameters, "MaxKeys") +
    renderKeyElement(parameters, "StartAfter", startAfter) +
    renderOptionalElement("ContinuationToken", token) +
    renderOptionalElement("NextContinuationToken", nextToken) +
    renderTextElement("KeyCount", page.rows.length + page.prefixes.length) +
    renderElement("IsTruncated", String(page.end !== undefined));
  respondXml(
    request,
    renderXmlDocument(
      "ListBucketResult",
      head + renderContents(page.rows, style) + renderCommonPrefixes(page.prefixes, style),
    ),
  );
}
