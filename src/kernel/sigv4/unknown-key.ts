import { S3Error } from "../s3/s3-error.ts";

/** Stands in for the secret of an unknown key, so that refusing it takes the same work as refusing a wrong signature. */
export const unknownSecret = "no access key has this secret, and no signature made with it is accepted";

/** The answer to an unknown, deleted, expired or disabled key, and to a temporary key without its token. */
export function refuseUnknownKey(accessKeyId: string): S3Error {
  return new S3Error("InvalidAccessKeyId", { fields: { AWSAccessKeyId: accessKeyId } });
}
