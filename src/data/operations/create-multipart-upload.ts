import { resolveMultipartChecksum } from "#kernel/s3/checksum.ts";
import { renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { makeVersionId, msToHlc } from "../catalog/version-id.ts";
import type { UploadMeta } from "../object-meta.ts";
import { receiveIgnoredBody } from "../request/read-small-body.ts";
import { type ResponseHeaders, respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { encryptionHeaders, makeObjectKey } from "./encryption-request.ts";
import { parseNewObject } from "./new-object.ts";

/**
 * Canonical id of whoever sends no signature.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */
const anonymousId = "65a011a29cdf8ec533ec3d1ccaae921c";

/**
 * CreateMultipartUpload: all that the object will be, beside its bytes, is fixed here, its data key too.
 * Source: API_CreateMultipartUpload.
 */
export async function createMultipartUpload(request: S3Request): Promise<void> {
  request.plane.disk.requireRoom();
  await receiveIgnoredBody(request);
  const object = parseNewObject(request);
  const checksum = resolveMultipartChecksum(
    request.header("x-amz-checksum-algorithm"),
    request.header("x-amz-checksum-type"),
  );
  const { bucketId } = request.bucket;
  const { headers, user, storageClass, attributes, customerKey } = object;
  const { stored } = makeObjectKey(request, { bucketId, key: request.key, customerKey });
  const meta: UploadMeta = {
    headers,
    user,
    storageClass,
    ...stored,
    attributes,
    checksumAlgorithm: checksum?.algorithm ?? null,
    checksumType: checksum?.type ?? null,
    initiator: initiatorOf(request),
  };
  const uploadId = makeVersionId(msToHlc(request.plane.clock.nowMs()));
  const { key, id: requestId, principal } = request;
  await request.commit({
    kind: "createUpload",
    bucketId,
    key,
    requestId,
    principal,
    uploadId,
    meta: JSON.stringify(meta),
  });
  const content =
    renderTextElement("Bucket", request.bucketName) +
    renderTextElement("Key", key) +
    renderTextElement("UploadId", uploadId);
  respondXml(request, renderXmlDocument("InitiateMultipartUploadResult", content), uploadHeaders(meta));
}

function uploadHeaders(meta: UploadMeta): ResponseHeaders {
  const headers = encryptionHeaders(meta);
  if (meta.checksumAlgorithm !== null) headers["x-amz-checksum-algorithm"] = meta.checksumAlgorithm;
  if (meta.checksumType !== null) headers["x-amz-checksum-type"] = meta.checksumType;
  return headers;
}

function initiatorOf({ identity }: S3Request): UploadMeta["initiator"] {
  if (identity.kind === "anonymous") return { id: anonymousId, displayName: "anonymous" };
  return { id: identity.tenant.canonicalId, displayName: identity.tenant.displayName };
}
