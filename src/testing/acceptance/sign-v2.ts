import { createHmac } from "node:crypto";
import type { Credentials } from "../server-process.ts";
import type { HeaderFields } from "./sign-v4.ts";

/** What a SigV2 URL is made for. */
export interface SigV2Input {
  readonly method: string;
  /** What is signed: `/bucket/key` with the sub-resources, whatever Host and path the request will have. */
  readonly resource: string;
  readonly credentials: Credentials;
  /** `x-amz-*` parameters in lower case; they are signed as headers and put into the query under these names. */
  readonly amzParameters?: HeaderFields;
}

/**
 * The query of a SigV2 URL that is valid for five minutes, without question mark. Written from the documentation and apart
 * from the server's own code.
 * Source: AWS "Signing and authenticating REST requests (SigV2)", query string request authentication alternative.
 */
export function signV2Query({ method, resource, credentials, amzParameters = {} }: SigV2Input): string {
  const expires = Math.floor(Date.now() / 1000) + 300;
  const names = Object.keys(amzParameters).toSorted();
  const headers = names.map((name) => `${name}:${amzParameters[name]}\n`).join("");
  const text = `${method}\n\n\n${expires}\n${headers}${resource}`;
  const signature = createHmac("sha1", credentials.secretKey).update(text).digest("base64");
  const parameters = names.map((name) => `${name}=${encodeURIComponent(amzParameters[name] ?? "")}&`).join("");
  return `${parameters}AWSAccessKeyId=${credentials.accessKeyId}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`;
}
