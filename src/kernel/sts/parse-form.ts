import { StsError } from "./sts-error.ts";

/** Parameters of one form at most; the form's size bounds their lengths. */
export const maxFormParameters = 512;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads an `application/x-www-form-urlencoded` body, strictly.
 * @throws StsError ValidationError on a repeated name, an incomplete escape, bytes that are no UTF-8, too many parameters
 * Source: WHATWG URL, section 5.1
 */
export function parseForm(body: Uint8Array): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of Buffer.from(body).toString("latin1").split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (parameters.has(name)) throw malformed("a parameter comes twice");
    if (parameters.size === maxFormParameters) throw malformed(`it has more than ${maxFormParameters} parameters`);
    parameters.set(name, equals < 0 ? "" : decode(pair.slice(equals + 1)));
  }
  return parameters;
}

/** @param text each character one byte */
function decode(text: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw malformed("an escape is incomplete");
  const bytes = text
    .replaceAll("+", " ")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  try {
    return utf8.decode(Buffer.from(bytes, "latin1"));
  } catch {
    throw malformed("a parameter is no UTF-8");
  }
}

function malformed(reason: string): StsError {
  return new StsError("ValidationError", `The form cannot be read: ${reason}`);
}
