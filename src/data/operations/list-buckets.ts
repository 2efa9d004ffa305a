import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { renderIsoDate } from "#kernel/s3/http-date.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { renderElement, renderOptionalElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { renderOwner } from "../listing/render-entries.ts";
import { respondXml } from "../request/respond.ts";
import { bucketArn, type S3Request } from "../request/s3-request.ts";

const maxBuckets = 10_000;

/** ListBuckets: by name, only what the caller may see. Source: API_ListBuckets. */
export function listBuckets(request: S3Request): void {
  const { query } = request;
  const caller = request.signer.tenant;
  const prefix = query.get("prefix");
  const region = query.get("bucket-region");
  const paged = ["max-buckets", "continuation-token", "prefix", "bucket-region"].some((name) => query.has(name));
  const limit = parseLimit(query.get("max-buckets"));
  const { continuationTokens } = request.plane;
  // A token is of no use to another tenant, nor with another prefix or region.
  const scope = { bucketId: caller.tenantId, prefix: prefix ?? "", delimiter: region ?? "" };
  const given = query.get("continuation-token");
  const after = given === undefined ? undefined : continuationTokens.open(scope, given);
  const visible = [...request.plane.snapshot.buckets()]
    .filter((bucket) => bucket.tenantId === caller.tenantId && isVisible(request, bucket))
    .filter(
      (bucket) =>
        (prefix === undefined || bucket.name.startsWith(prefix)) && (region === undefined || bucket.region === region),
    )
    .filter((bucket) => after === undefined || bucket.name > after)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = paged ? visible.slice(0, limit) : visible;
  const last = page.at(-1);
  const token = last && page.length < visible.length ? continuationTokens.make(scope, last.name) : undefined;
  const owner = renderOwner("Owner", { id: caller.canonicalId, displayName: caller.displayName });
  const buckets = renderElement("Buckets", page.map((bucket) => renderBucket(bucket, paged)).join(""));
  const content =
    owner + buckets + renderOptionalElement("ContinuationToken", token) + renderOptionalElement("Prefix", prefix);
  respondXml(request, renderXmlDocument("ListAllMyBucketsResult", content));
}

function isVisible(request: S3Request, bucket: BucketEntry): boolean {
  return ["s3:ListBucket", "s3:ListAllMyBuckets"].some((action) => request.allows(action, bucket));
}

function renderBucket(bucket: BucketEntry, paged: boolean): string {
  const name =
    renderTextElement("Name", bucket.name) + renderTextElement("CreationDate", renderIsoDate(bucket.createdAtMs));
  const more = paged
    ? renderTextElement("BucketRegion", bucket.region) + renderTextElement("BucketArn", bucketArn(bucket.name))
    : "";
  return renderElement("Bucket", name + more);
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return maxBuckets;
  const limit = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > maxBuckets) {
    throw new S3Error("InvalidArgument", {
      message: `max-buckets must be between 1 and ${maxBuckets}`,
      fields: { ArgumentName: "max-buckets", ArgumentValue: text },
    });
  }
  return limit;
}
