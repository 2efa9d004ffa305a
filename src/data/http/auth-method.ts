import type { AuthMethod } from "#kernel/metrics/slot-layout.ts";
import { type HeaderLookup, readHeader } from "#kernel/s3/header-lookup.ts";

/** How a request says that it is signed, right or wrong; undefined when it carries no signature. */
export function findAuthMethod(headers: HeaderLookup, rawQuery: string): AuthMethod | undefined {
  const authorization = readHeader(headers, "authorization");
  if (authorization !== undefined) {
    if (authorization.startsWith("AWS4-")) return "sigv4";
    return authorization.startsWith("AWS ") ? "sigv2" : "unknown";
  }
  if (rawQuery === "") return undefined;
  if (rawQuery.includes("X-Amz-Signature=")) return "sigv4_presigned";
  return rawQuery.includes("AWSAccessKeyId=") ? "sigv2_presigned" : undefined;
}
