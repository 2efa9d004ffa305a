import { readHeader } from "../s3/header-lookup.ts";
import { S3Error } from "../s3/s3-error.ts";
import { maxPresignSeconds } from "./amz-date.ts";
import type { RequestToAuthenticate } from "./authentication.ts";
import { joinTrimmedHeader, listAmzHeaders } from "./canonical-request.ts";
import { type CanonicalParameter, decodeCanonicalComponent } from "./canonical-uri.ts";
import { checkHoistedHeader, expiredUrl, refuseContradictions } from "./presigned-url.ts";

/** The signature of a SigV2 URL, read from its query and not verified yet. */
export interface SigV2Url {
  readonly accessKeyId: string;
  /** Base64 of 20 bytes. */
  readonly signature: string;
  /** Seconds since 1970 as sent: fourth line of the string to sign. */
  readonly expiresText: string;
  readonly expiresAtMs: number;
  /** `x-amz-*`, `content-type` and `content-md5` that came as parameters: lower-case names, latin1 values. */
  readonly hoistedHeaders: Readonly<Record<string, string>>;
}

/** An `Authorization: AWS id:signature`. */
export interface SigV2Header {
  readonly accessKeyId: string;
  readonly signature: string;
}

/**
 * Query parameters that are part of what is signed. AWS's list, and every other sub-resource this server knows: one that
 * was left out could be appended to somebody's URL and would turn a plain PUT into, say, a change of retention.
 */
const signedParameters: ReadonlySet<string> = new Set(
  `abac accelerate acl analytics annotation attributes cors defaultObjectAcl delete encryption intelligent-tiering inventory
  legal-hold lifecycle location logging metadataConfiguration metadataInventoryTable metadataJournalTable metadataTable metrics
  notification object-lock ownershipControls partNumber policy policyStatus publicAccessBlock renameObject replication
  requestPayment restore retention select select-type session storageClass tagging torrent uploadId uploads versionId
  versioning versions website response-cache-control response-content-disposition response-content-encoding
  response-content-language response-content-type response-expires`.split(/\s+/),
);

/** True when the query carries a SigV2 signature, be it incomplete. */
export function hasSigV2Parameters(query: readonly CanonicalParameter[]): boolean {
  return query.some(({ name }) => name === "Signature" || name === "AWSAccessKeyId");
}

/**
 * Reads a SigV2 URL and checks everything about it but the signature itself.
 * @throws AuthorizationQueryParametersError for a parameter missing, repeated or malformed, InvalidArgument for a
 * hoisted header that is none, AccessDenied when the URL is expired, lives longer than seven days from now, or a header
 * contradicts the parameter of its name.
 * Source: AWS "Signing and authenticating REST requests (SigV2)", query string request authentication alternative.
 */
export function parseSigV2Url(
  query: readonly CanonicalParameter[],
  request: RequestToAuthenticate,
  nowMs: number,
): SigV2Url {
  const parameters = new Map<string, string>();
  const hoisted = new Map<string, string>();
  for (const parameter of query) {
    const name = decodeCanonicalComponent(parameter.name);
    const target = isHoistable(name) ? hoisted : parameters;
    const isOurs = target === hoisted || name === "AWSAccessKeyId" || name === "Signature" || name === "Expires";
    if (!isOurs) continue;
    const key = target === hoisted ? name.toLowerCase() : name;
    if (target.has(key)) throw malformed(`Query parameter ${key} must come once`);
    target.set(key, decodeCanonicalComponent(parameter.value));
  }
  refuseContradictions(hoisted, request);
  for (const [name, value] of hoisted) checkHoistedHeader(name, value);
  const accessKeyId = parameters.get("AWSAccessKeyId") ?? "";
  // Some clients send base64 unescaped: its plus sign then reads as a space.
  const signature = (parameters.get("Signature") ?? "").replaceAll(" ", "+");
  const expiresText = parameters.get("Expires") ?? "";
  if (accessKeyId === "" || signature === "" || expiresText === "") {
    throw malformed("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters");
  }
  if (!/^\d{1,12}$/.test(expiresText)) throw malformed("Invalid date (should be seconds since epoch)");
  const expiresAtMs = Number(expiresText) * 1000;
  if (nowMs >= expiresAtMs) throw expiredUrl("Request has expired", expiresAtMs, nowMs);
  if (expiresAtMs - nowMs > maxPresignSeconds * 1000) {
    throw expiredUrl(`Expires must be at most ${maxPresignSeconds} seconds (7 days) ahead`, expiresAtMs, nowMs);
  }
  return { accessKeyId, signature, expiresText, expiresAtMs, hoistedHeaders: Object.fromEntries(hoisted) };
}

/** Reads `AWS id:signature`; `undefined` for any other text. */
export function parseSigV2Header(text: string): SigV2Header | undefined {
  const match = /^AWS[ \t]+([^\s:]{1,128}):[ \t]*([A-Za-z0-9+/]{27}=)$/.exec(text);
  return match === null ? undefined : { accessKeyId: match[1] ?? "", signature: match[2] ?? "" };
}

/**
 * The paths a client may have signed: the one it sent and, for a bucket sent as `/Bucket`, also `/Bucket/`, because the
 * AWS CLI and boto3 sign the latter. Both name the same resource.
 */
export function listSigV2Paths(request: RequestToAuthenticate): readonly string[] {
  const bucket = request.virtualHostBucket === undefined ? "" : `/${request.virtualHostBucket}`;
  const isBareBucket = bucket === "" && /^\/[^/]+$/.test(request.rawPath);
  return isBareBucket ? [request.rawPath, `${request.rawPath}/`] : [`${bucket}${request.rawPath}`];
}

/** What a SigV2 signature covers besides the request itself. */
export interface SigV2StringParts {
  /** One of `listSigV2Paths`. */
  readonly path: string;
  /** The `Expires` of a URL; for a header the `Date`, or empty when `x-amz-date` is sent. */
  readonly date: string;
  readonly hoistedHeaders: Readonly<Record<string, string>>;
}

/**
 * The text a SigV2 signature covers, a latin1 string of bytes.
 * @throws S3Error InvalidRequest when the value of a signed parameter reads like further ones
 * Source: AWS "Signing and authenticating REST requests (SigV2)".
 */
export function renderSigV2StringToSign(
  request: RequestToAuthenticate,
  query: readonly CanonicalParameter[],
  { path, date, hoistedHeaders }: SigV2StringParts,
): string {
  const contentMd5 = readHeader(request.headers, "content-md5") ?? hoistedHeaders["content-md5"] ?? "";
  const contentType = readHeader(request.headers, "content-type") ?? hoistedHeaders["content-type"] ?? "";
  const headers = renderAmzHeaders(request, hoistedHeaders);
  return `${request.method}\n${contentMd5}\n${contentType}\n${date}\n${headers}${path}${renderSubresources(request.rawQuery, query)}`;
}

/** HMAC-SHA1 of a latin1 string of bytes, base64. */
export function signSigV2(secretKey: string, stringToSign: string): string {
  return new Bun.CryptoHasher("sha1", secretKey).update(Buffer.from(stringToSign, "latin1")).digest("base64");
}

function isHoistable(name: string): boolean {
  const lowerName = name.toLowerCase();
  return lowerName.startsWith("x-amz-") || lowerName === "content-type" || lowerName === "content-md5";
}

function renderAmzHeaders(request: RequestToAuthenticate, hoistedHeaders: Readonly<Record<string, string>>): string {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(hoistedHeaders)) if (name.startsWith("x-amz-")) values.set(name, value);
  for (const name of listAmzHeaders(request)) if (!values.has(name)) values.set(name, joinTrimmedHeader(request, name));
  let text = "";
  for (const name of [...values.keys()].sort()) text += `${name}:${values.get(name) ?? ""}\n`;
  return text;
}

function renderSubresources(rawQuery: string, query: readonly CanonicalParameter[]): string {
  const parts: string[] = [];
  const bareNames = new Set(rawQuery.split("&").filter((segment) => !segment.includes("=")));
  for (const parameter of query) {
    if (!signedParameters.has(parameter.name)) continue;
    const isBare = parameter.value === "" && bareNames.has(parameter.name);
    const value = decodeCanonicalComponent(parameter.value);
    if (value.includes("&") && isAmbiguous(value)) throw ambiguous(parameter.name);
    parts.push(isBare ? parameter.name : `${parameter.name}=${value}`);
  }
  return parts.length === 0 ? "" : `?${parts.sort().join("&")}`;
}

/**
 * What is signed is decoded: what follows an `&` could as well be a further parameter, of another operation, where it has the name
 * of one that is signed. Names of files, such as `a&b.pdf`, have not.
 */
function isAmbiguous(value: string): boolean {
  return value.split("&").some((piece, index) => index > 0 && signedParameters.has(piece.split("=", 1)[0] ?? ""));
}

function ambiguous(name: string): S3Error {
  return new S3Error("InvalidRequest", {
    message: `Signature version 2 cannot sign what follows & in the value of ${name}: it reads like a further parameter. Please use AWS4-HMAC-SHA256.`,
  });
}

function malformed(message: string): S3Error {
  return new S3Error("AuthorizationQueryParametersError", { message });
}
