import { respondEmpty } from "../request/respond.ts";
import { bucketArn, type S3Request } from "../request/s3-request.ts";

/** HeadBucket. Source: API_HeadBucket. */
export function headBucket(request: S3Request): void {
  const { bucket } = request;
  respondEmpty(request, 200, {
    "x-amz-bucket-region": bucket.region,
    "x-amz-bucket-arn": bucketArn(bucket.name),
    "x-amz-access-point-alias": "false",
  });
}
