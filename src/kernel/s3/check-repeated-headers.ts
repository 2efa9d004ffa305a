import type { HeaderLookup } from "./header-lookup.ts";
import { S3Error } from "./s3-error.ts";

/** Headers beside `x-amz-*` that steer a request and have one value. */
const singleHeaders: ReadonlySet<string> = new Set([
  "content-disposition",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "expect",
  "expires",
  "host",
  "if-modified-since",
  "if-range",
  "if-unmodified-since",
  "origin",
  "range",
  "transfer-encoding",
]);

/** `x-amz-*` headers whose value is a list, which some clients send one item a line. */
const listHeaders: ReadonlySet<string> = new Set(["x-amz-object-attributes", "x-amz-optional-object-attributes"]);

/**
 * Refuses a header that steers the request and came more than once: of its values the engine shows the first or joins them, and
 * whoever stands in front of the server may have acted on another. Metadata (`x-amz-meta-*`) and lists may repeat; a second
 * Authorization is refused where signatures are verified, with a code of its own.
 * @param headers lower-case names, each once
 * @param rawHeaders name, value, name, value, as they came
 * @throws S3Error InvalidRequest
 * Source: RFC 9110 section 5.3; https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function checkRepeatedHeaders(headers: HeaderLookup, rawHeaders: readonly string[]): void {
  if (Object.keys(headers).length * 2 === rawHeaders.length) return;
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    if (seen.has(name) && mustBeSingle(name)) {
      throw new S3Error("InvalidRequest", { message: `The header ${name} must come once`, fields: { Header: name } });
    }
    seen.add(name);
  }
}

function mustBeSingle(name: string): boolean {
  if (!name.startsWith("x-amz-")) return singleHeaders.has(name);
  return !name.startsWith("x-amz-meta-") && !listHeaders.has(name);
}
