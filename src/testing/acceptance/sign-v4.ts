import { createHash, createHmac } from "node:crypto";
import type { Credentials } from "../server-process.ts";

/** Header names in lower case; values as latin1 text, one character per byte. */
export type HeaderFields = Readonly<Record<string, string>>;

/** What is signed. */
export interface SigningInput {
  readonly method: string;
  /** Raw request target: path and query as they go over the wire. */
  readonly target: string;
  readonly headers: HeaderFields;
  readonly credentials: Credentials;
  /** Time of signing, in milliseconds since 1970. */
  readonly dateMs: number;
  readonly region: string;
}

/** The seed of a chain of chunk signatures. */
export interface ChunkSeed {
  readonly signingKey: Buffer;
  readonly scope: string;
  readonly timestamp: string;
  readonly signature: string;
}

/** SHA-256 in hex of bytes or of a latin1 text. */
export function sha256Hex(data: Uint8Array | string): string {
  return createHash("sha256").update(toBytes(data)).digest("hex");
}

/**
 * Adds `x-amz-date` and `authorization` to headers that already hold `host` and `x-amz-content-sha256`; all of them are signed.
 * Written from the documentation and apart from the server's own code, so that a misreading in one shows in the other.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signHeaders(input: SigningInput): { headers: Record<string, string>; seed: ChunkSeed } {
  const timestamp = renderTimestamp(input.dateMs);
  const headers: Record<string, string> = { "x-amz-date": timestamp, ...input.headers };
  const names = Object.keys(headers).filter((name) => name !== "connection" && name !== "expect");
  const canonical = renderCanonical(input, pick(headers, names), headers["x-amz-content-sha256"] ?? "");
  const seed = makeSeed(input, headers["x-amz-date"] ?? timestamp, canonical);
  const signedNames = names.toSorted().join(";");
  const credential = `${input.credentials.accessKeyId}/${seed.scope}`;
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedNames}, Signature=${seed.signature}`;
  return { headers, seed };
}

/**
 * A presigned target: `input.target` with the signature's query parameters. The headers given must be sent with it.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export function presignTarget(input: SigningInput, expiresSeconds: number): string {
  const timestamp = renderTimestamp(input.dateMs);
  const scope = renderScope(timestamp, input.region);
  const names = Object.keys(input.headers).toSorted();
  const parameters = [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    `X-Amz-Credential=${encodeQueryPart(`${input.credentials.accessKeyId}/${scope}`)}`,
    `X-Amz-Date=${timestamp}`,
    `X-Amz-Expires=${expiresSeconds}`,
    `X-Amz-SignedHeaders=${encodeQueryPart(names.join(";"))}`,
  ].join("&");
  const [path = "", query = ""] = splitTarget(input.target);
  const fullQuery = query === "" ? parameters : `${query}&${parameters}`;
  const canonical = renderCanonical(
    { method: input.method, target: `${path}?${fullQuery}` },
    input.headers,
    "UNSIGNED-PAYLOAD",
  );
  const { signature } = makeSeed(input, timestamp, canonical);
  return `${path}?${fullQuery}&X-Amz-Signature=${signature}`;
}

/** Signature of one chunk, chained from `previous`. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html */
export function signChunk(seed: ChunkSeed, previous: string, data: Uint8Array): string {
  const text = ["AWS4-HMAC-SHA256-PAYLOAD", seed.timestamp, seed.scope, previous, sha256Hex(""), sha256Hex(data)].join(
    "\n",
  );
  return hmac(seed.signingKey, text).toString("hex");
}

/** Signature over the trailer lines, each `name:value\n`. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html */
export function signTrailer(seed: ChunkSeed, previous: string, trailerLines: string): string {
  const text = ["AWS4-HMAC-SHA256-TRAILER", seed.timestamp, seed.scope, previous, sha256Hex(trailerLines)].join("\n");
  return hmac(seed.signingKey, text).toString("hex");
}

/** Percent-encodes the UTF-8 bytes of a key as S3 wants them in a path: all but `A-Za-z0-9-._~/`. */
export function encodePath(key: string): string {
  return encodeURIComponent(key)
    .replace(/[!'()*]/g, percentEncode)
    .replaceAll("%2F", "/");
}

/** Percent-encodes a query name or value: all but `A-Za-z0-9-._~`. */
function encodeQueryPart(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, percentEncode);
}

/** `yyyymmddThhmmssZ`. */
function renderTimestamp(dateMs: number): string {
  return new Date(dateMs).toISOString().replace(/[-:]|\.\d+/g, "");
}

function makeSeed(input: SigningInput, timestamp: string, canonical: string): ChunkSeed {
  const scope = renderScope(timestamp, input.region);
  const stringToSign = ["AWS4-HMAC-SHA256", timestamp, scope, sha256Hex(canonical)].join("\n");
  const dateKey = hmac(Buffer.from(`AWS4${input.credentials.secretKey}`), timestamp.slice(0, 8));
  const signingKey = ["s3", "aws4_request"].reduce(hmac, hmac(dateKey, input.region));
  return { signingKey, scope, timestamp, signature: hmac(signingKey, stringToSign).toString("hex") };
}

function renderScope(timestamp: string, region: string): string {
  return `${timestamp.slice(0, 8)}/${region}/s3/aws4_request`;
}

function renderCanonical(
  { method, target }: Pick<SigningInput, "method" | "target">,
  headers: HeaderFields,
  payload: string,
): string {
  const [path, query] = splitTarget(target);
  const names = Object.keys(headers).toSorted();
  const lines = names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}\n`).join("");
  return [method, canonicalPath(path), canonicalQuery(query), lines, names.join(";"), payload].join("\n");
}

function canonicalPath(path: string): string {
  return encodeBytes(decodePercent(path), /[A-Za-z0-9\-._~/]/);
}

function canonicalQuery(query: string): string {
  if (query === "") return "";
  const pairs = query.split("&").map((pair) => {
    const equals = pair.indexOf("=");
    const [name, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return [canonicalQueryPart(name), canonicalQueryPart(value)] as const;
  });
  return pairs
    .toSorted(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function canonicalQueryPart(part: string): string {
  return encodeBytes(decodePercent(part), /[A-Za-z0-9\-._~]/);
}

/** Latin1 text of the decoded bytes; an escape that is none stays as it is. */
function decodePercent(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function encodeBytes(latin1: string, kept: RegExp): string {
  return [...latin1].map((character) => (kept.test(character) ? character : percentEncode(character))).join("");
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function splitTarget(target: string): [path: string, query: string] {
  const mark = target.indexOf("?");
  return mark < 0 ? [target, ""] : [target.slice(0, mark), target.slice(mark + 1)];
}

function pick(headers: HeaderFields, names: readonly string[]): HeaderFields {
  return Object.fromEntries(names.map((name) => [name, headers[name] ?? ""]));
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(toBytes(data)).digest();
}

function toBytes(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? Buffer.from(data, "latin1") : data;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
