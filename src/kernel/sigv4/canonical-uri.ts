/** One query parameter, name and value percent-encoded in the one canonical way. */
export interface CanonicalParameter {
  readonly name: string;
  readonly value: string;
}

const noParameters: readonly CanonicalParameter[] = [];

// Escapes of bytes that need one, in upper case: %00-%2C, %3A-%40, %5B-%5E, %60, %7B-%7D, %7F-%FF.
const canonicalEscape = "(?:[01][0-9A-F]|2[0-9A-C]|3[A-F]|40|5[B-E]|60|7[BCDF]|[89A-F][0-9A-F])";
const notCanonicalPath = new RegExp(`[^A-Za-z0-9._~/%-]|%(?!${canonicalEscape})`);
const notCanonicalComponent = new RegExp(`[^A-Za-z0-9._~%-]|%(?!(?:2F|${canonicalEscape}))`);

const pathTable = encodingTable("-._~/");
const componentTable = encodingTable("-._~");

/**
 * The path of a canonical request: the raw path decoded once and encoded again but for `A-Za-z0-9-._~/`. Dot segments
 * and double slashes stay; a `%` without two hex digits counts as itself.
 * Source: AWS "Signature Calculations for the Authorization Header", task 1 (S3 does not normalise paths).
 */
export function canonicalPath(rawPath: string): string {
  if (rawPath === "") return "/";
  return notCanonicalPath.test(rawPath) ? encodeAgain(rawPath, pathTable, "%2B") : rawPath;
}

/**
 * Splits a raw query into parameters, each encoded canonically (all but `A-Za-z0-9-._~`), in the order sent. `a` and
 * `a=` are the same, `+` is a space, empty segments are skipped.
 */
export function parseCanonicalQuery(rawQuery: string): readonly CanonicalParameter[] {
  if (rawQuery === "") return noParameters;
  const parameters: CanonicalParameter[] = [];
  for (const segment of rawQuery.split("&")) {
    if (segment === "") continue;
    const equals = segment.indexOf("=");
    parameters.push({
      name: canonicalComponent(equals < 0 ? segment : segment.slice(0, equals)),
      value: equals < 0 ? "" : canonicalComponent(segment.slice(equals + 1)),
    });
  }
  return parameters;
}

/** The query of a canonical request: sorted by encoded name, then value; `X-Amz-Signature` is left out when asked for. */
export function renderCanonicalQuery(parameters: readonly CanonicalParameter[], omitSignature: boolean): string {
  if (parameters.length === 0) return "";
  const kept = omitSignature
    ? parameters.filter((parameter) => parameter.name.toLowerCase() !== "x-amz-signature")
    : [...parameters];
  if (kept.length > 1) kept.sort(compareParameters);
  let text = "";
  for (const { name, value } of kept) text += text === "" ? `${name}=${value}` : `&${name}=${value}`;
  return text;
}

/** Decodes a canonical component to a latin1 string of its bytes. */
export function decodeCanonicalComponent(encoded: string): string {
  if (!encoded.includes("%")) return encoded;
  return encoded.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function canonicalComponent(text: string): string {
  return notCanonicalComponent.test(text) ? encodeAgain(text, componentTable, "%20") : text;
}

function compareParameters(a: CanonicalParameter, b: CanonicalParameter): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return 0;
}

function encodeAgain(text: string, table: readonly string[], plus: string): string {
  // Beyond latin1 nothing comes over the wire; should it, its UTF-8 bytes count.
  const source = /[^\x00-\xff]/.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
  let encoded = "";
  for (let index = 0; index < source.length; index++) {
    const code = source.charCodeAt(index);
    if (code === 0x2b) {
      encoded += plus;
      continue;
    }
    const byte = code === 0x25 ? hexByte(source.charCodeAt(index + 1), source.charCodeAt(index + 2)) : -1;
    if (byte >= 0) index += 2;
    encoded += table[byte >= 0 ? byte : code] ?? "";
  }
  return encoded;
}

function hexByte(high: number, low: number): number {
  const byte = hexDigit(high) * 16 + hexDigit(low);
  return Number.isNaN(byte) ? -1 : byte;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

function encodingTable(punctuation: string): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9]/.test(character) || punctuation.includes(character)) return character;
    return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
}
