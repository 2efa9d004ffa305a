import { S3Error } from "#kernel/s3/s3-error.ts";
import { renderElement, renderOptionalElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { parseVersionId } from "../catalog/version-id.ts";
import {
  parseKeyLike,
  parseListingParameters,
  renderKeyElement,
  renderParameters,
} from "../listing/listing-parameters.ts";
import { listingStart, markerOf, readPage } from "../listing/pager.ts";
import { renderBucketOwner, renderCommonPrefixes, renderVersions } from "../listing/render-entries.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { checkVersionId } from "./find-object.ts";

/** Above every place in the order of versions. */
const aboveEveryHlc = Number.MAX_SAFE_INTEGER;

/**
 * ListObjectVersions: keys ascending, newest version first, delete markers among them. The next markers name the last entry
 * of the page. Source: API_ListObjectVersions.
 */
export async function listObjectVersions(request: S3Request): Promise<void> {
  const { bucket, plane, query } = request;
  const parameters = parseListingParameters(query, "max-keys");
  const keyMarker = parseKeyLike(query, "key-marker") ?? "";
  const versionIdMarker = parseVersionIdMarker(request, keyMarker);
  const hlc = versionIdMarker === undefined ? undefined : await placeOf(request, keyMarker, versionIdMarker);
  const start = listingStart(parameters, { key: keyMarker, hlc });
  const page = await readPage(parameters, start, (range, limit) =>
    plane.catalog.listVersions(bucket.bucketId, range, limit),
  );
  const nextVersionId = page.end?.kind === "row" ? (page.end.row[5] ?? "null") : undefined;
  const style = {
    renderKey: parameters.renderKey,
    owner: renderBucketOwner(bucket),
  };
  const head =
    renderTextElement("Name", bucket.name) +
    renderParameters(parameters, "MaxKeys") +
    renderKeyElement(parameters, "KeyMarker", keyMarker) +
    renderTextElement("VersionIdMarker", versionIdMarker ?? "") +
    renderKeyElement(parameters, "NextKeyMarker", page.end && markerOf(page.end)) +
    renderOptionalElement("NextVersionIdMarker", nextVersionId) +
    renderElement("IsTruncated", String(page.end !== undefined));
  respondXml(
    request,
    renderXmlDocument(
      "ListVersionsResult",
      head + renderVersions(page.rows, style) + renderCommonPrefixes(page.prefixes, style),
    ),
  );
}

function parseVersionIdMarker(request: S3Request, keyMarker: string): string | undefined {
  const versionId = request.query.get("version-id-marker");
  if (versionId === undefined) return undefined;
  if (versionId === "") throw invalidMarker("A version-id marker cannot be empty", versionId);
  if (keyMarker === "") throw invalidMarker("A version-id marker cannot be specified without a key marker", versionId);
  checkVersionId(versionId);
  return versionId;
}

/**
 * Place of a marker in the order of its key's versions. Our own ids carry it, so the version may be gone; when a `null` or
 * foreign version is gone, its key is listed again rather than cut short.
 */
async function placeOf(request: S3Request, key: string, versionId: string): Promise<number> {
  const version = await request.plane.catalog.findVersion(request.bucket.bucketId, { key, versionId, withBody: false });
  return version?.hlc ?? parseVersionId(versionId) ?? aboveEveryHlc;
}

function invalidMarker(message: string, value: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: "version-id-marker", ArgumentValue: value },
  });
}
