import { readHeader } from "../s3/header-lookup.ts";
import { S3Error } from "../s3/s3-error.ts";
import { maxClockSkewMs, maxPresignSeconds, parseAmzDate, renderErrorDate } from "./amz-date.ts";
import type { RequestToAuthenticate } from "./authentication.ts";
import { parseSignedHeaders, unsupportedSigV4A } from "./authorization-header.ts";
import { tidyHeaderValue } from "./canonical-request.ts";
import { type CanonicalParameter, decodeCanonicalComponent } from "./canonical-uri.ts";
import { type Credential, parseCredential } from "./credential-scope.ts";

/** The signature of a SigV4 URL, read from its query and not verified yet. */
export interface PresignedParameters {
  readonly credential: Credential;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `yyyymmddThhmmssZ`. */
  readonly timestamp: string;
  readonly signedAtMs: number;
  /** `signedAtMs` plus the life the URL was given, at most seven days. */
  readonly expiresAtMs: number;
  readonly securityToken: string | undefined;
  /** Value of the parameter `X-Amz-Content-Sha256`. */
  readonly contentSha256: string | undefined;
  /** Lower-case names, latin1 values. */
  readonly hoistedHeaders: Readonly<Record<string, string>>;
}

const signatureParameters: ReadonlySet<string> = new Set([
  "x-amz-algorithm",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-signedheaders",
  "x-amz-signature",
  "x-amz-security-token",
  "x-amz-content-sha256",
]);

const noHeaders: Readonly<Record<string, string>> = {};

/** True when the query carries a SigV4 signature, be it incomplete. Names are compared without case. */
export function hasPresignedParameters(query: readonly CanonicalParameter[]): boolean {
  for (const { name } of query) {
    if ((name.charCodeAt(0) | 0x20) !== 0x78) continue;
    const lowerName = name.toLowerCase();
    if (lowerName === "x-amz-signature" || lowerName === "x-amz-credential" || lowerName === "x-amz-algorithm")
      return true;
  }
  return false;
}

/**
 * Reads a presigned URL and checks everything about it but the signature itself and the region.
 * @throws AuthorizationQueryParametersError for a parameter missing, repeated or malformed, InvalidArgument for a
 * hoisted header that is none, AccessDenied when the URL is expired, is dated more than 15 minutes ahead, or a header
 * contradicts the parameter of its name, NotImplemented for SigV4A.
 * Source: AWS "Authenticating Requests: Using Query Parameters".
 */
export function parsePresignedUrl(
  query: readonly CanonicalParameter[],
  request: RequestToAuthenticate,
  nowMs: number,
): PresignedParameters {
  const parameters = collectAmzParameters(query);
  refuseContradictions(parameters, request);
  const credentialText = requireParameter(parameters, "x-amz-credential");
  const signature = requireParameter(parameters, "x-amz-signature");
  const timestamp = requireParameter(parameters, "x-amz-date");
  const signedHeadersText = requireParameter(parameters, "x-amz-signedheaders");
  const expiresText = requireParameter(parameters, "x-amz-expires");
  checkAlgorithm(requireParameter(parameters, "x-amz-algorithm"));
  const credential = parseCredential(credentialText);
  if (credential === undefined) {
    throw malformed('X-Amz-Credential is malformed: expecting "<access key id>/YYYYMMDD/REGION/SERVICE/aws4_request"');
  }
  const signedHeaders = parseSignedHeaders(signedHeadersText);
  if (signedHeaders === undefined) throw malformed("X-Amz-SignedHeaders must be lower-case names joined by ;");
  const signedAtMs = parseAmzDate(timestamp);
  if (signedAtMs === undefined) throw malformed("X-Amz-Date must be in the ISO 8601 basic format YYYYMMDD'T'HHMMSS'Z'");
  if (credential.scope.date !== timestamp.slice(0, 8))
    throw malformed("The date of X-Amz-Credential must be that of X-Amz-Date");
  const expiresAtMs = signedAtMs + parseExpires(expiresText) * 1000;
  checkValidity({ signedAtMs, expiresAtMs, nowMs });
  return {
    credential,
    signedHeaders,
    signature,
    timestamp,
    signedAtMs,
    expiresAtMs,
    securityToken: parameters.get("x-amz-security-token"),
    contentSha256: parameters.get("x-amz-content-sha256"),
    hoistedHeaders: collectHoistedHeaders(parameters),
  };
}

/** The refusal of a URL outside its time, with the fields AWS gives. */
export function expiredUrl(message: string, expiresAtMs: number, nowMs: number): S3Error {
  return new S3Error("AccessDenied", {
    message,
    fields: { Expires: renderErrorDate(expiresAtMs), ServerTime: renderErrorDate(nowMs) },
  });
}

/**
 * Checks a query parameter that stands for a header: a name and a value that could have come as one.
 * @throws InvalidArgument otherwise; line breaks above all, since such values are sent back as headers.
 */
export function checkHoistedHeader(name: string, value: string): void {
  if (/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && !/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return;
  throw new S3Error("InvalidArgument", {
    message: "A query parameter that stands for a header is not valid as a header",
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}

/** Refuses a header that differs from the query parameter of its name. @throws AccessDenied (HeadersNotSigned). */
export function refuseContradictions(parameters: ReadonlyMap<string, string>, request: RequestToAuthenticate): void {
  for (const [name, value] of parameters) {
    const header = readHeader(request.headers, name);
    if (header === undefined || tidyHeaderValue(header) === tidyHeaderValue(value)) continue;
    throw new S3Error("AccessDenied", {
      message: "There were headers present in the request which differ from the query parameters of their names",
      fields: { HeadersNotSigned: name },
    });
  }
}

function collectAmzParameters(query: readonly CanonicalParameter[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const parameter of query) {
    const name = decodeCanonicalComponent(parameter.name).toLowerCase();
    if (!name.startsWith("x-amz-")) continue;
    if (parameters.has(name)) throw malformed(`Query parameter ${name} must come once`);
    parameters.set(name, decodeCanonicalComponent(parameter.value));
  }
  return parameters;
}

function collectHoistedHeaders(parameters: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  let hoisted: Record<string, string> | undefined;
  for (const [name, value] of parameters) {
    if (signatureParameters.has(name)) continue;
    checkHoistedHeader(name, value);
    hoisted ??= {};
    hoisted[name] = tidyHeaderValue(value);
  }
  return hoisted ?? noHeaders;
}

function requireParameter(parameters: ReadonlyMap<string, string>, name: string): string {
  const value = parameters.get(name);
  if (value !== undefined && value !== "") return value;
  throw malformed(
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters",
  );
}

function checkAlgorithm(algorithm: string): void {
  if (algorithm === "AWS4-HMAC-SHA256") return;
  if (algorithm === "AWS4-ECDSA-P256-SHA256") throw unsupportedSigV4A();
  throw malformed("X-Amz-Algorithm only supports AWS4-HMAC-SHA256");
}

function parseExpires(text: string): number {
  if (/^-\d+$/.test(text)) throw malformed("X-Amz-Expires must be non-negative");
  if (!/^\d+$/.test(text)) throw malformed("X-Amz-Expires should be a number");
  const seconds = Number(text);
  if (seconds > maxPresignSeconds)
    throw malformed(`X-Amz-Expires must be at most ${maxPresignSeconds} seconds (7 days)`);
  return seconds;
}

function checkValidity({
  signedAtMs,
  expiresAtMs,
  nowMs,
}: {
  signedAtMs: number;
  expiresAtMs: number;
  nowMs: number;
}): void {
  if (signedAtMs > nowMs + maxClockSkewMs) throw expiredUrl("Request is not yet valid", expiresAtMs, nowMs);
  if (nowMs >= expiresAtMs || expiresAtMs === signedAtMs) throw expiredUrl("Request has expired", expiresAtMs, nowMs);
}

function malformed(message: string): S3Error {
  return new S3Error("AuthorizationQueryParametersError", { message });
}
