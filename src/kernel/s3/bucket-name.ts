import { S3Error } from "./s3-error.ts";

declare const bucketNameBrand: unique symbol;

/** A name that passed `parseBucketName`: 3 to 63 of `a-z 0-9 . -`. */
export type BucketName = string & { readonly [bucketNameBrand]: true };

const shape = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const badNeighbours = /\.[.-]|-\./;
const ipv4 = /^\d+\.\d+\.\d+\.\d+$/;
/** Affixes that SDKs send elsewhere or AWS keeps for itself. */
const reserved = /^xn--|(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/;

/**
 * Whether the text may name a bucket. Reads of impossible names are 404, so they ask this instead of parsing.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function isBucketName(text: string): text is BucketName {
  return shape.test(text) && !badNeighbours.test(text) && !ipv4.test(text) && !reserved.test(text);
}

/**
 * Parses the name of a bucket to be made.
 * @throws S3Error InvalidBucketName (BucketName) when the rules of bucket naming refuse it.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function parseBucketName(text: string): BucketName {
  if (isBucketName(text)) return text;
  throw new S3Error("InvalidBucketName", { fields: { BucketName: text } });
}
