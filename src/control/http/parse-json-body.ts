import { ControlError } from "./control-error.ts";

/** Objects and arrays inside each other at most; the deepest body of the API has six. */
export const maxBodyDepth = 32;

/**
 * The value of a JSON body, null when it is empty, judged before anything walks through it.
 * @throws ControlError InvalidRequest for what is no JSON, nested deeper than `maxBodyDepth`, or has text that is no Unicode
 */
export function parseJsonBody(text: string): unknown {
  if (text === "") return null;
  requireShallow(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ControlError("InvalidRequest");
  }
  // Half of a surrogate pair can only come as an escape: what is stored would be another text than what was judged.
  if (/\\u[dD][89a-fA-F]/.test(text)) requireUnicode(value);
  return value;
}

/** One pass over the text: parsers and validators recurse, and what they say of a value can be longer than it by its depth. */
function requireShallow(text: string): void {
  let depth = 0;
  let isInText = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (isInText) {
      if (code === backslash) index++;
      else if (code === quote) isInText = false;
    } else if (code === quote) isInText = true;
    else if (code === openBrace || code === openBracket) depth++;
    else if (code === closeBrace || code === closeBracket) depth--;
    if (depth > maxBodyDepth) throw new ControlError("InvalidRequest", "The body is nested too deep");
  }
}

function requireUnicode(value: unknown): void {
  if (typeof value === "string" && !value.isWellFormed())
    throw new ControlError("InvalidRequest", "A text of the body holds half of a surrogate pair");
  if (typeof value !== "object" || value === null) return;
  for (const [name, each] of Object.entries(value)) {
    requireUnicode(name);
    requireUnicode(each);
  }
}

const [quote, backslash] = [0x22, 0x5c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
