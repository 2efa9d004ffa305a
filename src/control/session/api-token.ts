import type { Random } from "#kernel/base/random.ts";

const prefix = "mxt_";
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const secretDigits = 34;
const checkDigits = 6;
/** The largest multiple of 62 that a byte holds: what is above would make some digits likelier. */
const fairBytes = 248;

/** A new token, `mxt_` and 40 digits of base 62: 202 random bits, and a checksum that lets scanners know it. */
export function makeApiToken(random: Random): string {
  let secret = "";
  while (secret.length < secretDigits) {
    for (const byte of random.bytes(secretDigits)) {
      if (byte < fairBytes && secret.length < secretDigits) secret += digits.charAt(byte % 62);
    }
  }
  return prefix + secret + renderChecksum(secret);
}

/** Whether a text is a token as `makeApiToken` makes it; says nothing about whether it was ever issued. */
export function isApiToken(text: string): boolean {
  if (!/^mxt_[0-9A-Za-z]{40}$/.test(text)) return false;
  const secret = text.slice(prefix.length, -checkDigits);
  return text.endsWith(renderChecksum(secret));
}

/** CRC-32 in base 62. */
function renderChecksum(secret: string): string {
  let text = "";
  for (let rest = Bun.hash.crc32(secret); text.length < checkDigits; rest = Math.floor(rest / 62)) {
    text = digits.charAt(rest % 62) + text;
  }
  return text;
}
