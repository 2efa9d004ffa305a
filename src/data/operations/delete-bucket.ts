import { callOriginOf } from "../request/call-origin.ts";
import { receiveIgnoredBody } from "../request/read-small-body.ts";
import { respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

/** DeleteBucket: emptiness is judged in the catalog's own transaction. Source: API_DeleteBucket. */
export async function deleteBucket(request: S3Request): Promise<void> {
  await receiveIgnoredBody(request);
  await request.plane.control.call({
    kind: "deleteBucket",
    bucketId: request.bucket.bucketId,
    origin: callOriginOf(request),
  });
  respondEmpty(request, 204);
}
