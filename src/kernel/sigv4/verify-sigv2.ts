import { textsAreEqual } from "../base/texts-are-equal.ts";
import { readHeader } from "../s3/header-lookup.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { AuthenticationOptions, RequestToAuthenticate, SignedRequest } from "./authentication.ts";
import type { CanonicalParameter } from "./canonical-uri.ts";
import { parseUnsignedPayloadMode } from "./payload-mode.ts";
import { readRequestTime } from "./request-time.ts";
import { signatureMismatch } from "./signature-mismatch.ts";
import { listSigV2Paths, parseSigV2Header, parseSigV2Url, renderSigV2StringToSign, signSigV2 } from "./sigv2.ts";
import { refuseUnknownKey, unknownSecret } from "./unknown-key.ts";

const noHoistedHeaders: Readonly<Record<string, string>> = {};

/** A request with an Authorization header. */
export interface HeaderCarrier {
  readonly request: RequestToAuthenticate;
  readonly query: readonly CanonicalParameter[];
  readonly authorization: string;
}

/**
 * Verifies `Authorization: AWS id:signature`.
 * @throws InvalidRequest unless the setting is `all`, AuthorizationHeaderMalformed, AccessDenied (no date),
 * RequestTimeTooSkewed, InvalidAccessKeyId, SignatureDoesNotMatch.
 */
export function authenticateSigV2Header(
  { request, query, authorization }: HeaderCarrier,
  options: AuthenticationOptions,
): SignedRequest {
  if (options.signatureV2 !== "all") throw sigV2Refused();
  const header = parseSigV2Header(authorization);
  if (header === undefined) {
    throw new S3Error("AuthorizationHeaderMalformed", {
      message: "The authorization header must be AWS <access key id>:<signature>",
    });
  }
  const { signedAtMs } = readRequestTime(request, options.nowMs);
  const date = request.headers["x-amz-date"] === undefined ? (readHeader(request.headers, "date") ?? "") : "";
  const securityToken = readHeader(request.headers, "x-amz-security-token");
  const payload = parseUnsignedPayloadMode(request.headers);
  const stringsToSign = listSigV2Paths(request).map((path) =>
    renderSigV2StringToSign(request, query, { path, date, hoistedHeaders: noHoistedHeaders }),
  );
  verifySigV2({ ...header, securityToken, stringsToSign }, options);
  return {
    kind: "signed",
    carrier: "header",
    version: "v2",
    accessKeyId: header.accessKeyId,
    ...(securityToken === undefined ? undefined : { securityToken }),
    payload,
    signedAtMs,
    hoistedHeaders: noHoistedHeaders,
  };
}

/**
 * Verifies a URL with AWSAccessKeyId, Expires and Signature.
 * @throws InvalidRequest when the setting is `off`, what `parseSigV2Url` throws, InvalidAccessKeyId,
 * SignatureDoesNotMatch.
 */
export function authenticateSigV2Url(
  request: RequestToAuthenticate,
  query: readonly CanonicalParameter[],
  options: AuthenticationOptions,
): SignedRequest {
  if (options.signatureV2 === "off") throw sigV2Refused();
  const url = parseSigV2Url(query, request, options.nowMs);
  const { accessKeyId, signature, expiresAtMs, hoistedHeaders } = url;
  const payload = parseUnsignedPayloadMode({ ...hoistedHeaders, ...request.headers });
  const securityToken = hoistedHeaders["x-amz-security-token"] ?? readHeader(request.headers, "x-amz-security-token");
  const stringsToSign = listSigV2Paths(request).map((path) =>
    renderSigV2StringToSign(request, query, { path, date: url.expiresText, hoistedHeaders }),
  );
  verifySigV2({ accessKeyId, signature, securityToken, stringsToSign }, options);
  return {
    kind: "signed",
    carrier: "query",
    version: "v2",
    accessKeyId,
    ...(securityToken === undefined ? undefined : { securityToken }),
    payload,
    signedAtMs: options.nowMs,
    expiresAtMs,
    hoistedHeaders,
  };
}

interface SigV2Claim {
  readonly accessKeyId: string;
  readonly signature: string;
  readonly securityToken: string | undefined;
  /** One text per spelling of the path; the first is that of the path as sent. */
  readonly stringsToSign: readonly string[];
}

function verifySigV2(
  { accessKeyId, signature, securityToken, stringsToSign }: SigV2Claim,
  options: AuthenticationOptions,
): void {
  const key = options.findKey(accessKeyId, securityToken);
  let isEqual = false;
  for (const stringToSign of stringsToSign) {
    const expected = signSigV2(key?.secretKey ?? unknownSecret, stringToSign);
    if (textsAreEqual(expected, signature)) isEqual = true;
  }
  if (key === undefined) throw refuseUnknownKey(accessKeyId);
  if (isEqual) return;
  throw signatureMismatch({ accessKeyId, stringToSign: stringsToSign[0] ?? "", signatureProvided: signature });
}

function sigV2Refused(): S3Error {
  return new S3Error("InvalidRequest", {
    message: "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
  });
}
