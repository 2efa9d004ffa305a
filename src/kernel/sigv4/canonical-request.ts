import { readHeader } from "../s3/header-lookup.ts";
import type { RequestToAuthenticate } from "./authentication.ts";
import { canonicalPath } from "./canonical-uri.ts";

/** What makes up a canonical request besides the request itself. */
export interface CanonicalRequestParts {
  /** As `renderCanonicalQuery` gives it. */
  readonly canonicalQuery: string;
  /** Lower-case names in the order the client listed them. */
  readonly signedHeaders: readonly string[];
  /** Last line: a digest in hex, or a word such as `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string;
}

const needsTidying = /^[ \t]|[ \t]$| {2}/;
const notAscii = /[^\x00-\x7f]/;

/**
 * The text whose digest a SigV4 signature covers: a latin1 string of the bytes the client signed.
 * Source: AWS "Signature Calculations for the Authorization Header", task 1.
 */
export function renderCanonicalRequest(request: RequestToAuthenticate, parts: CanonicalRequestParts): string {
  const repeated = hasRepeatedHeaders(request);
  let headers = "";
  let names = "";
  for (const name of parts.signedHeaders) {
    headers += `${name}:${repeated ? joinRepeatedHeader(request, name) : readCanonicalHeader(request, name)}\n`;
    names += names === "" ? name : `;${name}`;
  }
  return `${request.method}\n${canonicalPath(request.rawPath)}\n${parts.canonicalQuery}\n${headers}\n${names}\n${parts.payloadHash}`;
}

/** SHA-256 of a latin1 string of bytes, 64 lower-case hex. */
export function sha256OfLatin1(text: string): string {
  return Bun.SHA256.hash(notAscii.test(text) ? Buffer.from(text, "latin1") : text, "hex");
}

/** True when some header came more than once: `headers` then shows only part of it, or joins it in a way not signed. */
export function hasRepeatedHeaders(request: RequestToAuthenticate): boolean {
  return Object.keys(request.headers).length * 2 !== request.rawHeaders.length;
}

/** Number of times a header came. */
export function countHeader(request: RequestToAuthenticate, name: string): number {
  let count = 0;
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) count++;
  }
  return count;
}

/** All values of a header, each trimmed, inner runs of spaces collapsed, joined with `,`; empty when it did not come. */
export function joinRepeatedHeader(request: RequestToAuthenticate, name: string): string {
  return listHeaderValues(request, name).map(tidyHeaderValue).join(",");
}

/** `joinRepeatedHeader` with inner spaces kept, as SigV2 signs them. */
export function joinTrimmedHeader(request: RequestToAuthenticate, name: string): string {
  return listHeaderValues(request, name).map(trimHeaderValue).join(",");
}

/** Lower-case names of the `x-amz-*` headers sent, in the order sent, repetitions included. */
export function listAmzHeaders(request: RequestToAuthenticate): string[] {
  const names: string[] = [];
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    // Most headers are told apart by their first two characters; only the others are worth a lower-case copy.
    if ((name.charCodeAt(0) | 0x20) !== 0x78 || name.charCodeAt(1) !== 0x2d) continue;
    const lowerName = name.toLowerCase();
    if (lowerName.startsWith("x-amz-")) names.push(lowerName);
  }
  return names;
}

/**
 * Trims spaces and tabs and collapses inner runs of spaces. Not `trim()`: the bytes of UTF-8 text arrive as latin1
 * characters, and one of them (0xA0) would count as white space.
 */
export function tidyHeaderValue(value: string): string {
  if (!needsTidying.test(value)) return value;
  return trimHeaderValue(value).replace(/ {2,}/g, " ");
}

function trimHeaderValue(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, "");
}

function listHeaderValues(request: RequestToAuthenticate, name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) values.push(request.rawHeaders[index + 1] ?? "");
  }
  return values;
}

function readCanonicalHeader(request: RequestToAuthenticate, name: string): string {
  return tidyHeaderValue(readHeader(request.headers, name) ?? "");
}
