import { S3Error } from "#kernel/s3/s3-error.ts";
import type { AuthenticationOptions, RequestToAuthenticate } from "#kernel/sigv4/authentication.ts";
import { authenticateRequest } from "#kernel/sigv4/verify-request.ts";
import { presignUrl, signRequest } from "./s3-signer.ts";

/** Access key id of AWS's documentation. */
export const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
/** Secret of AWS's documentation. */
export const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/** Time of AWS's examples. */
export const date = new Date("2013-05-24T00:00:00Z");
const identity = { accessKeyId, secretKey, region: "us-east-1", date };
/** Verifies at the examples' time, knows their key, takes any region. */
export const options: AuthenticationOptions = {
  findKey: (id) => (id === accessKeyId ? { secretKey } : undefined),
  nowMs: date.getTime(),
  signatureV2: "presigned",
  region: "us-east-1",
  strictRegion: false,
};

/** A request as the server receives it; header names keep their case in `rawHeaders`. */
export function received(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
): RequestToAuthenticate {
  const [rawPath = "", rawQuery = ""] = target.split(/\?(.*)/s, 2);
  const entries = Object.entries(headers);
  return {
    method,
    rawPath,
    rawQuery,
    headers: Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value])),
    rawHeaders: entries.flat(),
  };
}

/** A request signed by header with the examples' key, as received. */
export function signed(
  method: string,
  target: string,
  extra: Partial<Parameters<typeof signRequest>[0]> = {},
): RequestToAuthenticate {
  return received(method, target, signRequest({ ...identity, ...extra, method, url: `http://s3.test${target}` }));
}

/** A presigned request, as received: 600 s of life unless given. */
export function presigned(
  method: string,
  target: string,
  extra: Partial<Parameters<typeof presignUrl>[0]> = {},
): RequestToAuthenticate {
  const url = presignUrl({ ...identity, method, url: `http://s3.test${target}`, expiresSeconds: 600, ...extra });
  return received(method, url.slice("http://s3.test".length), { host: "s3.test", ...extra.headers });
}

/** The refusal of a request. @throws Error when it was accepted. */
export function refusalOf(request: RequestToAuthenticate, changed: Partial<AuthenticationOptions> = {}): S3Error {
  try {
    authenticateRequest(request, { ...options, ...changed });
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error("the request was accepted");
}

/** The request with one header changed, added or, with `undefined`, left out. */
export function replaceHeader(
  request: RequestToAuthenticate,
  name: string,
  value: string | undefined,
): RequestToAuthenticate {
  const entries = Object.entries(request.headers).filter(([known]) => known !== name);
  if (value !== undefined) entries.push([name, value]);
  return {
    ...request,
    headers: Object.fromEntries(entries),
    rawHeaders: entries.flatMap(([known, text]) => [known, String(text)]),
  };
}

/** An Authorization header of the examples' key. */
export function authorizationOf(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`;
}
