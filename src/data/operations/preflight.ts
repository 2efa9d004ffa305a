import { S3Error } from "#kernel/s3/s3-error.ts";
import type { S3Request } from "../request/s3-request.ts";

/**
 * The CORS preflight: no bucket has rules yet, so no cross-origin request is allowed.
 * @throws S3Error BadRequest without `Origin`, else AccessForbidden.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 */
export function preflight(request: S3Request): void {
  if (request.header("origin") === undefined)
    throw new S3Error("BadRequest", { message: "Insufficient information. Origin request header needed" });
  throw new S3Error("AccessForbidden", {
    message: "CORSResponse: CORS is not enabled for this bucket",
    fields: { Method: request.header("access-control-request-method") ?? "", ResourceType: "BUCKET" },
  });
}
