import { S3Error } from "#kernel/s3/s3-error.ts";
import type { S3Request } from "../http/s3-request.ts";

/** PutObject with `x-amz-write-offset-bytes`. */
export async function appendObject(_request: S3Request, _offset: string): Promise<void> {
  throw new S3Error("NotImplemented", { fields: { Header: "x-amz-write-offset-bytes" } });
}
