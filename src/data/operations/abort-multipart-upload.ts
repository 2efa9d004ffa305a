import { parseHttpDate } from "#kernel/s3/http-date.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { receiveIgnoredBody } from "../request/read-small-body.ts";
import { respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

const initiatedHeader = "x-amz-if-match-initiated-time";

/** AbortMultipartUpload: the upload is gone with its commit, its bytes are freed later. Source: API_AbortMultipartUpload. */
export async function abortMultipartUpload(request: S3Request): Promise<void> {
  const { key, id: requestId, principal } = request;
  const uploadId = request.query.get("uploadId") ?? "";
  const ifInitiatedMs = parseInitiatedTime(request.header(initiatedHeader));
  await receiveIgnoredBody(request);
  await request.commit({
    kind: "abortUpload",
    bucketId: request.bucket.bucketId,
    key,
    requestId,
    principal,
    uploadId,
    ifInitiatedMs,
  });
  respondEmpty(request, 204);
}

/** Whole seconds, in ms. @throws S3Error InvalidArgument (ArgumentName, ArgumentValue) */
function parseInitiatedTime(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseHttpDate(text);
  if (ms === undefined)
    throw new S3Error("InvalidArgument", { fields: { ArgumentName: initiatedHeader, ArgumentValue: text } });
  return Math.floor(ms / 1000) * 1000;
}
