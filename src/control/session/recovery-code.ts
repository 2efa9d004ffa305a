import { createHash } from "node:crypto";
import type { Random } from "#kernel/base/random.ts";

/** How many a user gets at a time. */
const recoveryCodeCount = 10;

const codeCharacters = 16;
/** Without i, l, o, u, which are misread. Source: https://www.crockford.com/base32.html */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Fresh codes of 80 random bits, `xxxx-xxxx-xxxx-xxxx`. */
export function makeRecoveryCodes(random: Random): readonly string[] {
  return Array.from({ length: recoveryCodeCount }, () => {
    let code = "";
    for (const byte of random.bytes(codeCharacters)) code += alphabet.charAt(byte & 31);
    return code.replaceAll(/.{4}(?=.)/g, "$&-");
  });
}

/** What is stored of a code, 64 hex digits: 80 random bits need no slow hash. Case, blanks and hyphens do not count. */
export function hashRecoveryCode(userId: string, code: string): string {
  const bare = code.toLowerCase().replaceAll(/[\s-]/g, "");
  return createHash("sha256")
    .update(JSON.stringify([userId, bare]))
    .digest("hex");
}
