const lastCodePoint = 0x10ffff;
const firstSurrogate = 0xd800;
const afterSurrogates = 0xe000;

/**
 * The smallest string that is greater than every string beginning with `prefix`, in UTF-8 byte order (which is the order
 * of code points). Undefined when there is none: an empty prefix, or one of U+10FFFF only.
 */
export function prefixSuccessor(prefix: string): string | undefined {
  const lastUnit = prefix.charCodeAt(prefix.length - 1);
  // The common case: the last character has a neighbour in the same range of one-unit characters.
  if (lastUnit < firstSurrogate - 1) return prefix.slice(0, -1) + String.fromCharCode(lastUnit + 1);
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? lastCodePoint;
    if (last === lastCodePoint) continue;
    const next = last + 1 === firstSurrogate ? afterSurrogates : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}

/** Compares two strings as their UTF-8 bytes would compare: negative, 0, positive. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Puts UTF-16 units in the order of the code points they stand for: surrogates last. */
function rank(unit: number): number {
  return unit >= firstSurrogate && unit < afterSurrogates ? unit + 0x10000 : unit;
}
