import { createHash } from "node:crypto";

/** Sizes every client moves: empty, one byte, inline, just above a part, several parts. */
export const bodySizes = [0, 1, 100 * 1024, 5 * 1024 * 1024 + 1, 20 * 1024 * 1024] as const;

/**
 * Keys that a careless store or client loses, changes or lets collide. All are legal, and all stand side by side in one bucket.
 * The last is 1,024 bytes long in UTF-8, the longest there is.
 */
export const oddKeys: readonly string[] = [
  "with space",
  " leading and trailing ",
  "plus+sign",
  "percent%41%2F%",
  "question?mark=1&two#hash",
  "semi;colon,comma:at@dollar$",
  "quotes'\"`<>&amp;",
  "brackets[]{}|\\^~!*()",
  "caf\u00e9-composed",
  "cafe\u0301-decomposed",
  "\u65e5\u672c\u8a9e/\ud83d\ude80",
  "a",
  "a/",
  "a/b",
  "a//b",
  "a/./b",
  "a/../b",
  "./x",
  "../x",
  ".",
  "..",
  "/leading-slash",
  "trailing/",
  "trailing//",
  "tab\tand\u00a0nbsp",
  `${"\u00e4".repeat(400)}${"k".repeat(224)}`,
];

/** Another for each seed, and never 0, where a generator would stay. */
function firstState(seed: number): number {
  return Math.imul(seed + 1, 0x9e3779b1) || 1;
}

/** A generator of equal sequences for equal seeds (xorshift32); values are in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = firstState(seed);
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Bytes that look random and are equal for equal seeds. */
export function seededBytes(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = firstState(seed);
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  Buffer.from(words.buffer).copy(bytes, 0, 0, sizeBytes);
  return bytes;
}

/** MD5 in hex: the ETag of an object stored in one piece. */
export function md5Hex(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** MD5 in base64, as `Content-MD5` wants it. */
export function md5Base64(bytes: Uint8Array | string): string {
  return createHash("md5").update(bytes).digest("base64");
}
