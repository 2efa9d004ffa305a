import { readHeader } from "../s3/header-lookup.ts";
import { S3Error } from "../s3/s3-error.ts";
import { maxClockSkewMs, parseAmzDate, parseDateHeader, renderAmzDate, renderErrorDate } from "./amz-date.ts";
import type { RequestToAuthenticate } from "./authentication.ts";

/** When the client says it signed. */
export interface RequestTime {
  /** `yyyymmddThhmmssZ`, second line of a string to sign. */
  readonly timestamp: string;
  /** Milliseconds since 1970, UTC. */
  readonly signedAtMs: number;
}

/**
 * Reads `x-amz-date`, else `Date`, of a request signed by header.
 * @throws AccessDenied when there is no date that can be read, RequestTimeTooSkewed when it is off by more than 900 s.
 */
export function readRequestTime(request: RequestToAuthenticate, nowMs: number): RequestTime {
  const amzDate = readHeader(request.headers, "x-amz-date");
  const text = amzDate ?? readHeader(request.headers, "date") ?? "";
  // SigV2 clients write x-amz-date like a Date header.
  const basicMs = parseAmzDate(text);
  const signedAtMs = basicMs ?? parseDateHeader(text);
  if (signedAtMs === undefined) {
    throw new S3Error("AccessDenied", { message: "AWS authentication requires a valid Date or x-amz-date header" });
  }
  if (Math.abs(nowMs - signedAtMs) > maxClockSkewMs) {
    throw new S3Error("RequestTimeTooSkewed", {
      fields: { RequestTime: text, ServerTime: renderErrorDate(nowMs), MaxAllowedSkewMilliseconds: maxClockSkewMs },
    });
  }
  return { timestamp: basicMs === undefined ? renderAmzDate(signedAtMs) : text, signedAtMs };
}
