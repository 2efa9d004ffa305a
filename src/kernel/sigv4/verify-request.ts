import { textsAreEqual } from "../base/texts-are-equal.ts";
import { readHeader } from "../s3/header-lookup.ts";
import { S3Error } from "../s3/s3-error.ts";
import type {
  Authentication,
  AuthenticationOptions,
  ChunkSeed,
  RequestToAuthenticate,
  SignedRequest,
} from "./authentication.ts";
import { parseAuthorizationHeader } from "./authorization-header.ts";
import {
  countHeader,
  hasRepeatedHeaders,
  listAmzHeaders,
  renderCanonicalRequest,
  sha256OfLatin1,
} from "./canonical-request.ts";
import {
  type CanonicalParameter,
  decodeCanonicalComponent,
  parseCanonicalQuery,
  renderCanonicalQuery,
} from "./canonical-uri.ts";
import type { Credential, CredentialScope } from "./credential-scope.ts";
import { parsePayloadMode, parseUnsignedPayloadMode } from "./payload-mode.ts";
import { hasPresignedParameters, parsePresignedUrl } from "./presigned-url.ts";
import { readRequestTime } from "./request-time.ts";
import { signatureMismatch } from "./signature-mismatch.ts";
import { deriveSigningKey, signingKeyOf, signText } from "./signing-key.ts";
import { hasSigV2Parameters } from "./sigv2.ts";
import { refuseUnknownKey, unknownSecret } from "./unknown-key.ts";
import { authenticateSigV2Header, authenticateSigV2Url, type HeaderCarrier } from "./verify-sigv2.ts";

const noHoistedHeaders: Readonly<Record<string, string>> = {};
const defaultServices: readonly string[] = ["s3"];

/** A SigV4 signature from either carrier, ready to be verified. */
interface SignatureClaim {
  readonly credential: Credential;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  readonly payloadHash: string;
  readonly securityToken: string | undefined;
  readonly canonicalQuery: string;
  /** `x-amz-content-sha256` may be unsigned: it is the last line of the canonical request anyway. */
  readonly carrier: "header" | "query";
}

/**
 * Verifies who sent a request, before anything looks at its body: SigV4 by header or URL, SigV2 by URL (by header where
 * the setting allows), or nobody at all. POST forms and session tokens are verified elsewhere.
 * @throws InvalidArgument (two carriers, unknown payload mode, `x-amz-*` parameters without a signature in the query), AuthorizationHeaderMalformed,
 * AuthorizationQueryParametersError, InvalidRequest (no payload hash, SigV2 not allowed, Host repeated), AccessDenied
 * (no date, URL expired, headers not signed), RequestTimeTooSkewed, InvalidAccessKeyId, SignatureDoesNotMatch,
 * NotImplemented (SigV4A).
 * Source: AWS "Authenticating Requests (AWS Signature Version 4)".
 */
export function authenticateRequest(request: RequestToAuthenticate, options: AuthenticationOptions): Authentication {
  refuseRepeatedIdentity(request);
  const query = parseCanonicalQuery(request.rawQuery);
  const authorization = readHeader(request.headers, "authorization");
  const isPresigned = query.length > 0 && hasPresignedParameters(query);
  const isSigV2Url = query.length > 0 && hasSigV2Parameters(query);
  if (Number(authorization !== undefined) + Number(isPresigned) + Number(isSigV2Url) > 1) throw twoCarriers();
  if (!isPresigned && !isSigV2Url) refuseUnsignedParameters(query);
  if (authorization !== undefined) {
    if (/^AWS[ \t]/.test(authorization)) return authenticateSigV2Header({ request, query, authorization }, options);
    return authenticateHeader({ request, query, authorization }, options);
  }
  if (isPresigned) return authenticatePresigned(request, query, options);
  if (isSigV2Url) return authenticateSigV2Url(request, query, options);
  return { kind: "anonymous", payload: parseUnsignedPayloadMode(request.headers) };
}

function authenticateHeader(
  { request, query, authorization }: HeaderCarrier,
  options: AuthenticationOptions,
): SignedRequest {
  const { credential, signedHeaders, signature } = parseAuthorizationHeader(authorization);
  const payloadHash = readHeader(request.headers, "x-amz-content-sha256") ?? request.bodySha256;
  if (payloadHash === undefined) {
    throw new S3Error("InvalidRequest", { message: "Missing required header for this request: x-amz-content-sha256" });
  }
  const payload = parsePayloadMode(payloadHash);
  const { timestamp, signedAtMs } = readRequestTime(request, options.nowMs);
  if (credential.scope.date !== timestamp.slice(0, 8)) {
    throw new S3Error("AuthorizationHeaderMalformed", {
      message: `The credential's date ${credential.scope.date} must be that of the request, ${timestamp.slice(0, 8)}`,
    });
  }
  checkScope(credential.scope, "AuthorizationHeaderMalformed", options);
  const securityToken = readHeader(request.headers, "x-amz-security-token");
  const canonicalQuery = renderCanonicalQuery(query, false);
  const claim: SignatureClaim = {
    credential,
    signedHeaders,
    signature,
    timestamp,
    payloadHash,
    securityToken,
    canonicalQuery,
    carrier: "header",
  };
  const seed = verifySignature(request, claim, options);
  return describeSigned(claim, { payload, signedAtMs, expiresAtMs: undefined, hoistedHeaders: noHoistedHeaders, seed });
}

function authenticatePresigned(
  request: RequestToAuthenticate,
  query: readonly CanonicalParameter[],
  options: AuthenticationOptions,
): SignedRequest {
  const url = parsePresignedUrl(query, request, options.nowMs);
  checkScope(url.credential.scope, "AuthorizationQueryParametersError", options);
  const payloadHash = url.contentSha256 ?? readHeader(request.headers, "x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
  const payload = parsePayloadMode(payloadHash);
  const { credential, signedHeaders, signature, timestamp } = url;
  const securityToken = url.securityToken ?? readHeader(request.headers, "x-amz-security-token");
  const canonicalQuery = renderCanonicalQuery(query, true);
  const claim: SignatureClaim = {
    credential,
    signedHeaders,
    signature,
    timestamp,
    payloadHash,
    securityToken,
    canonicalQuery,
    carrier: "query",
  };
  const seed = verifySignature(request, claim, options);
  return describeSigned(claim, {
    payload,
    signedAtMs: url.signedAtMs,
    expiresAtMs: url.expiresAtMs,
    hoistedHeaders: url.hoistedHeaders,
    seed,
  });
}

/** @throws InvalidAccessKeyId, AccessDenied (HeadersNotSigned), SignatureDoesNotMatch */
function verifySignature(
  request: RequestToAuthenticate,
  claim: SignatureClaim,
  options: AuthenticationOptions,
): ChunkSeed {
  const { accessKeyId, scope } = claim.credential;
  refuseUnsignedHeaders(request, claim);
  const key = options.findKey(accessKeyId, claim.securityToken);
  const signingKey =
    key === undefined ? deriveSigningKey(unknownSecret, scope) : signingKeyOf(accessKeyId, key.secretKey, scope);
  const canonicalRequest = renderCanonicalRequest(request, claim);
  const stringToSign = `AWS4-HMAC-SHA256\n${claim.timestamp}\n${scope.text}\n${sha256OfLatin1(canonicalRequest)}`;
  const expected = signText(signingKey, stringToSign);
  const isEqual = textsAreEqual(expected, claim.signature);
  if (key === undefined) throw refuseUnknownKey(accessKeyId);
  if (!isEqual)
    throw signatureMismatch({ accessKeyId, stringToSign, signatureProvided: claim.signature, canonicalRequest });
  return { signingKey, scope, timestamp: claim.timestamp, signature: expected };
}

function describeSigned(
  claim: SignatureClaim,
  rest: Pick<SignedRequest, "payload" | "signedAtMs" | "hoistedHeaders"> & {
    expiresAtMs: number | undefined;
    seed: ChunkSeed;
  },
): SignedRequest {
  return {
    kind: "signed",
    carrier: claim.carrier,
    version: "v4",
    accessKeyId: claim.credential.accessKeyId,
    ...(claim.securityToken === undefined ? undefined : { securityToken: claim.securityToken }),
    payload: rest.payload,
    signedAtMs: rest.signedAtMs,
    ...(rest.expiresAtMs === undefined ? undefined : { expiresAtMs: rest.expiresAtMs }),
    hoistedHeaders: rest.hoistedHeaders,
    seed: rest.seed,
  };
}

/** The engine shows one of several Authorization or Host headers: which one was meant is not ours to guess. */
function refuseRepeatedIdentity(request: RequestToAuthenticate): void {
  if (!hasRepeatedHeaders(request)) return;
  if (countHeader(request, "authorization") > 1) throw twoCarriers();
  if (countHeader(request, "host") > 1)
    throw new S3Error("InvalidRequest", { message: "The Host header must come once" });
}

/**
 * Only the signature of a URL makes headers of `x-amz-*` parameters. Elsewhere they would be passed over, and what they ask
 * for (a copy, a lock, a rule of access) would silently not happen.
 */
function refuseUnsignedParameters(query: readonly CanonicalParameter[]): void {
  for (const { name, value } of query) {
    if (!name.toLowerCase().startsWith("x-amz-")) continue;
    throw new S3Error("InvalidArgument", {
      message: "Query parameters that stand for headers are valid in presigned URLs only",
      fields: { ArgumentName: decodeCanonicalComponent(name), ArgumentValue: decodeCanonicalComponent(value) },
    });
  }
}

/** @throws AuthorizationHeaderMalformed or AuthorizationQueryParametersError (Region) */
function checkScope(
  scope: CredentialScope,
  code: "AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError",
  { region, strictRegion, services = defaultServices }: AuthenticationOptions,
): void {
  if (!services.includes(scope.service)) {
    throw new S3Error(code, {
      message: `The credential's service '${scope.service}' is wrong; expecting '${services.join("' or '")}'`,
    });
  }
  if (!strictRegion || scope.region === region) return;
  throw new S3Error(code, {
    message: `The credential's region '${scope.region}' is wrong; expecting '${region}'`,
    fields: { Region: region },
  });
}

/** @throws AccessDenied (HeadersNotSigned) */
function refuseUnsignedHeaders(request: RequestToAuthenticate, { signedHeaders, carrier }: SignatureClaim): void {
  let missing: string[] | undefined;
  if (!signedHeaders.includes("host")) missing = ["host"];
  for (const name of listAmzHeaders(request)) {
    if (signedHeaders.includes(name) || (carrier === "query" && name === "x-amz-content-sha256")) continue;
    missing ??= [];
    if (!missing.includes(name)) missing.push(name);
  }
  if (missing === undefined) return;
  throw new S3Error("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    fields: { HeadersNotSigned: missing.join(", ") },
  });
}

function twoCarriers(): S3Error {
  return new S3Error("InvalidArgument", {
    message:
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
    fields: { ArgumentName: "Authorization" },
  });
}
