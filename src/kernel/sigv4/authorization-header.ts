import { S3Error } from "../s3/s3-error.ts";
import { type Credential, parseCredential } from "./credential-scope.ts";
import { RecentMap } from "./recent-map.ts";

/** A parsed `Authorization: AWS4-HMAC-SHA256 ...`. */
export interface AuthorizationHeader {
  readonly credential: Credential;
  /** Lower-case names, as listed. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

interface AuthorizationHead {
  readonly credential: Credential;
  readonly signedHeaders: readonly string[];
}

const algorithm = "AWS4-HMAC-SHA256";
const signatureLength = 64;
const maxCachedHeadLength = 1024;
const wellFormedSignature = /^[0-9a-f]{64}$/;

// Requests of one client differ in the signature alone, which clients put last: the rest is parsed once.
const recentHeads = new RecentMap<AuthorizationHead>(1024);

/**
 * Reads a SigV4 Authorization header.
 * @throws AuthorizationHeaderMalformed for another scheme, a component missing, repeated or unknown, or a malformed
 * credential; NotImplemented for SigV4A (`AWS4-ECDSA-P256-SHA256`).
 * Source: AWS "Authenticating Requests: Using the Authorization Header".
 */
export function parseAuthorizationHeader(text: string): AuthorizationHeader {
  const at = text.length - signatureLength;
  const signature = at > 0 ? text.slice(at) : "";
  if (at > maxCachedHeadLength || !text.endsWith("Signature=", at) || !wellFormedSignature.test(signature)) {
    return parseComponents(text);
  }
  const head = text.slice(0, at);
  const known = recentHeads.get(head);
  if (known !== undefined) return { credential: known.credential, signedHeaders: known.signedHeaders, signature };
  const parsed = parseComponents(text);
  recentHeads.set(head, { credential: parsed.credential, signedHeaders: parsed.signedHeaders });
  return parsed;
}

/** Splits `host;x-amz-date`; `undefined` when a name is empty, has upper case or a character no header name has. */
export function parseSignedHeaders(text: string): readonly string[] | undefined {
  return /^[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*$/.test(text) ? text.split(";") : undefined;
}

/** The refusal of SigV4A, whose signatures need a key pair in place of a shared secret. */
export function unsupportedSigV4A(): S3Error {
  return new S3Error("NotImplemented", {
    message: "AWS4-ECDSA-P256-SHA256 (SigV4A) is not supported: use AWS4-HMAC-SHA256",
    fields: { Header: "Authorization" },
  });
}

function parseComponents(text: string): AuthorizationHeader {
  const space = text.search(/[ \t]/);
  const scheme = space < 0 ? text : text.slice(0, space);
  if (scheme === "AWS4-ECDSA-P256-SHA256") throw unsupportedSigV4A();
  if (scheme !== algorithm) throw malformed(`The authorization header must start with ${algorithm}`);
  const components = new Map<string, string>();
  for (const part of text.slice(scheme.length).split(",")) {
    const component = part.replace(/^[ \t]+|[ \t]+$/g, "");
    const equals = component.indexOf("=");
    const name = component.slice(0, Math.max(equals, 0));
    if (components.has(name)) throw malformed("A component of the authorization header is repeated");
    components.set(name, component.slice(equals + 1));
  }
  const credential = parseCredential(components.get("Credential") ?? "");
  if (credential === undefined) {
    throw malformed('The Credential is malformed: expecting "<access key id>/YYYYMMDD/REGION/SERVICE/aws4_request"');
  }
  const signedHeaders = parseSignedHeaders(components.get("SignedHeaders") ?? "");
  if (signedHeaders === undefined)
    throw malformed("The authorization header needs SignedHeaders: lower-case names joined by ;");
  const signature = components.get("Signature") ?? "";
  if (signature === "") throw malformed("The authorization header needs a Signature");
  if (components.size !== 3) throw malformed("The authorization header has an unknown component");
  return { credential, signedHeaders, signature };
}

function malformed(message: string): S3Error {
  return new S3Error("AuthorizationHeaderMalformed", { message });
}
