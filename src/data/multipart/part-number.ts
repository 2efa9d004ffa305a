import { S3Error } from "#kernel/s3/s3-error.ts";
import { maxPartNumber } from "#kernel/xml/read-complete-multipart-upload.ts";

/**
 * Parses the parameter `partNumber`: 1 to 10,000, without sign, space or leading zero.
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue) for anything else
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export function parsePartNumber(text: string): number {
  const partNumber = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (partNumber >= 1 && partNumber <= maxPartNumber) return partNumber;
  throw new S3Error("InvalidArgument", {
    message: `Part number must be an integer between 1 and ${maxPartNumber}, inclusive`,
    fields: { ArgumentName: "partNumber", ArgumentValue: text },
  });
}
