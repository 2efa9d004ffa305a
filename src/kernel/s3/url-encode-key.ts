import { S3Error } from "./s3-error.ts";

const needsEncoding = /[^A-Za-z0-9\-_.*/]/;
const differences = /%2F|[!~'()]/g;

/**
 * A key-like text for `encoding-type=url`: all but `A-Za-z0-9-_.*` and `/` percent-encoded as UTF-8, space as `%20`, `+`
 * as `%2B`. Takes well-formed text only.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function encodeKey(key: string): string {
  if (!needsEncoding.test(key)) return key;
  return encodeURIComponent(key).replace(differences, replaceDifference);
}

/**
 * Parses the `encoding-type` parameter; undefined when it was not sent.
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue) for anything but `url`, the empty text too.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function parseEncodingType(text: string | undefined): "url" | undefined {
  if (text === undefined || text === "url") return text;
  throw new S3Error("InvalidArgument", {
    message: "Invalid Encoding Method specified in Request",
    fields: { ArgumentName: "encoding-type", ArgumentValue: text },
  });
}

/** What encodeURIComponent does and S3 does not, and the other way round. */
function replaceDifference(text: string): string {
  return text === "%2F" ? "/" : `%${text.charCodeAt(0).toString(16).toUpperCase()}`;
}
