import { createHash, createHmac } from "node:crypto";

/** Whose key signs, where and when. */
export interface SigningIdentity {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly region: string;
  readonly date: Date;
  readonly securityToken?: string;
  /** `s3` when absent. */
  readonly service?: string;
}

/** A request to sign by header. */
export interface RequestToSign extends SigningIdentity {
  readonly method: string;
  /** Absolute URL; its path and query are taken as they are, never normalised. */
  readonly url: string;
  /** Headers to send and sign, any case; values are latin1 strings of bytes. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes to hash; `"unsigned"` sends UNSIGNED-PAYLOAD; absent means empty. */
  readonly body?: Uint8Array | "unsigned";
}

/** A URL to presign. */
export interface UrlToPresign extends SigningIdentity {
  readonly method: string;
  readonly url: string;
  /** Headers the caller of the URL will have to send. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Life of the URL in seconds. */
  readonly expiresSeconds: number;
}

/** How to frame a body as aws-chunked. */
export interface ChunkedBodyToSign extends Omit<RequestToSign, "body"> {
  readonly signed: boolean;
  /** Header to send after the last chunk. */
  readonly trailer?: { readonly name: string; readonly value: string };
  /** Bytes of data per chunk; the last may have fewer. */
  readonly chunkBytes: number;
}

interface Target {
  readonly origin: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

const algorithm = "AWS4-HMAC-SHA256";
const signingKeys = new Map<string, Buffer>();

/** Signs by header. Returns all headers to send, lower-case names: those given, host, date, payload hash, Authorization. */
export function signRequest(request: RequestToSign): Record<string, string> {
  const { body } = request;
  const payloadHash = body === "unsigned" ? "UNSIGNED-PAYLOAD" : sha256(body ?? "");
  return signHeaders(request, payloadHash).headers;
}

/** Signs by query. Returns the URL with its signature. */
export function presignUrl(request: UrlToPresign): string {
  const target = splitUrl(request.url);
  const timestamp = amzDate(request.date);
  const headers = lowerCaseHeaders(request.headers, target.host);
  const names = Object.keys(headers).sort();
  const parameters = [
    `X-Amz-Algorithm=${algorithm}`,
    `X-Amz-Credential=${encode(`${request.accessKeyId}/${scopeOf(request)}`)}`,
    `X-Amz-Date=${timestamp}`,
    `X-Amz-Expires=${request.expiresSeconds}`,
    `X-Amz-SignedHeaders=${encode(names.join(";"))}`,
  ];
  if (request.securityToken !== undefined) parameters.push(`X-Amz-Security-Token=${encode(request.securityToken)}`);
  const query = target.query === "" ? parameters.join("&") : `${target.query}&${parameters.join("&")}`;
  const canonical = canonicalRequest({
    method: request.method,
    path: target.path,
    query,
    headers,
    names,
    payloadHash: "UNSIGNED-PAYLOAD",
  });
  const signature = signCanonical(request, timestamp, canonical);
  return `${target.origin}${target.path}?${query}&X-Amz-Signature=${signature}`;
}

/** Frames and signs a body as aws-chunked. Returns the headers to send (content-length included) and the bytes. */
export function encodeAwsChunked(
  data: Uint8Array,
  request: ChunkedBodyToSign,
): { headers: Record<string, string>; body: Uint8Array } {
  const { trailer, signed } = request;
  const signedMode = `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer === undefined ? "" : "-TRAILER"}`;
  const mode = signed ? signedMode : "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  const extra: Record<string, string> = {
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": String(data.length),
  };
  if (trailer !== undefined) extra["x-amz-trailer"] = trailer.name;
  const { headers, signature: seed } = signHeaders({ ...request, headers: { ...extra, ...request.headers } }, mode);
  const head = (kind: string) => `AWS4-HMAC-SHA256-${kind}\n${amzDate(request.date)}\n${scopeOf(request)}\n`;
  const key = signingKey(request);
  let previous = seed;
  const parts: Uint8Array[] = [];
  for (let offset = 0; ; offset += request.chunkBytes) {
    const chunk = data.subarray(offset, offset + request.chunkBytes);
    if (signed) previous = hmac(key, `${head("PAYLOAD")}${previous}\n${sha256("")}\n${sha256(chunk)}`).toString("hex");
    parts.push(Buffer.from(`${chunk.length.toString(16)}${signed ? `;chunk-signature=${previous}` : ""}\r\n`));
    if (chunk.length === 0) break;
    parts.push(chunk, Buffer.from("\r\n"));
  }
  if (trailer !== undefined) {
    parts.push(Buffer.from(`${trailer.name}:${trailer.value}\r\n`));
    const trailerHash = sha256(`${trailer.name}:${trailer.value}\n`);
    if (signed)
      parts.push(
        Buffer.from(
          `x-amz-trailer-signature:${hmac(key, `${head("TRAILER")}${previous}\n${trailerHash}`).toString("hex")}\r\n`,
        ),
      );
  }
  parts.push(Buffer.from("\r\n"));
  const body = Buffer.concat(parts);
  return { headers: { ...headers, "content-length": String(body.length) }, body };
}

function signHeaders(
  request: Omit<RequestToSign, "body">,
  payloadHash: string,
): { headers: Record<string, string>; signature: string } {
  const target = splitUrl(request.url);
  const timestamp = amzDate(request.date);
  const headers = lowerCaseHeaders(request.headers, target.host);
  headers["x-amz-date"] = timestamp;
  headers["x-amz-content-sha256"] = payloadHash;
  if (request.securityToken !== undefined) headers["x-amz-security-token"] = request.securityToken;
  const names = Object.keys(headers).sort();
  const canonical = canonicalRequest({
    method: request.method,
    path: target.path,
    query: target.query,
    headers,
    names,
    payloadHash,
  });
  const signature = signCanonical(request, timestamp, canonical);
  const credential = `${request.accessKeyId}/${scopeOf(request)}`;
  headers["authorization"] =
    `${algorithm} Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { headers, signature };
}

function canonicalRequest(parts: {
  method: string;
  path: string;
  query: string;
  headers: Readonly<Record<string, string>>;
  names: readonly string[];
  payloadHash: string;
}): string {
  const path = encode(decodeURIComponent(parts.path)).replaceAll("%2F", "/");
  const pairs = parts.query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => pair.split(/=(.*)/s, 2).map((text) => encode(decodeURIComponent(text))));
  const sorted = pairs
    .map(([name = "", value = ""]) => [name, value] as const)
    .sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]));
  const query = sorted.map(([name, value]) => `${name}=${value}`).join("&");
  const headers = parts.names.map((name) => `${name}:${parts.headers[name] ?? ""}\n`).join("");
  return [parts.method, path, query, headers, parts.names.join(";"), parts.payloadHash].join("\n");
}

function signCanonical(identity: SigningIdentity, timestamp: string, canonical: string): string {
  const digest = sha256(Buffer.from(canonical, "latin1"));
  return hmac(signingKey(identity), `${algorithm}\n${timestamp}\n${scopeOf(identity)}\n${digest}`).toString("hex");
}

function signingKey(identity: SigningIdentity): Buffer {
  const name = `${identity.secretKey}/${scopeOf(identity)}`;
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  const key = scopeOf(identity)
    .split("/")
    .reduce((parent: Buffer, part) => hmac(parent, part), Buffer.from(`AWS4${identity.secretKey}`));
  signingKeys.set(name, key);
  return key;
}

function scopeOf({ date, region, service = "s3" }: SigningIdentity): string {
  return `${amzDate(date).slice(0, 8)}/${region}/${service}/aws4_request`;
}

function lowerCaseHeaders(headers: Readonly<Record<string, string>> = {}, host: string): Record<string, string> {
  const lower: Record<string, string> = { host };
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value;
  return lower;
}

function splitUrl(url: string): Target {
  const match = /^([a-z]+:\/\/([^/?]+))([^?]*)\??(.*)$/s.exec(url);
  const [, origin = "", host = "", path = "", query = ""] = match ?? [];
  return { origin, host, path: path === "" ? "/" : path, query };
}

function amzDate(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d{3}/g, "");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function compare(a: string, b: string): number {
  return Number(a > b) - Number(a < b);
}

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
