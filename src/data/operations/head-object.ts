import { evaluateReadConditions } from "#kernel/s3/conditional-request.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import { commonHeaders, respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { openObjectKey, parseCustomerKey, requireMatchingKey } from "./encryption-request.ts";
import { type FoundObject, findObject } from "./find-object.ts";
import { applyOverrides, objectHeaders } from "./object-headers.ts";
import { selectBytes } from "./select-bytes.ts";

/** HeadObject: the headers of a GET. Source: API_HeadObject. */
export async function headObject(request: S3Request): Promise<void> {
  const found = await findObject(request, false);
  const customerKey = parseCustomerKey(request);
  requireMatchingKey(request, { stored: found.meta, customerKey });
  if (customerKey)
    openObjectKey(request, { bucketId: request.bucket.bucketId, key: request.key, stored: found.meta, customerKey });
  if (answersNotModified(request, found)) return;
  const selected = await selectBytes(request, found);
  const headers = objectHeaders(request, found);
  applyOverrides(request, headers);
  Object.assign(headers, selected.headers, commonHeaders(request.id));
  headers["Content-Length"] = selected.range.end - selected.range.start;
  request.response.writeHead(selected.status, headers);
  request.response.end();
}

/** Evaluates the read conditions; answers 304 itself. @throws S3Error PreconditionFailed */
export function answersNotModified(request: S3Request, found: FoundObject): boolean {
  const { headers } = request;
  const { version } = found;
  const target = { etag: version.etag, lastModifiedMs: hlcToMs(version.hlc), nowMs: request.plane.clock.nowMs() };
  if (evaluateReadConditions(headers, target) === "proceed") return false;
  const all = objectHeaders(request, found);
  const kept: Record<string, string | number> = {};
  for (const name of ["ETag", "Last-Modified", "cache-control", "expires", "x-amz-version-id"]) {
    const value = all[name];
    if (value !== undefined) kept[name] = value;
  }
  respondEmpty(request, 304, kept);
  return true;
}
