import type { Random } from "#kernel/base/random.ts";

const length = 24;
/** Without characters that are mistaken for others: 0 O, 1 I l. */
const characters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** The largest multiple of their number that a byte holds. */
const fairBytes = 256 - (256 % characters.length);

/** 24 characters, 23 of them random (134 bits); among them an upper-case letter, a digit, and one that is neither. */
export function makePassword(random: Random): string {
  for (;;) {
    let text = "";
    for (const byte of random.bytes(length * 2)) {
      if (byte < fairBytes && text.length < length - 1) text += characters.charAt(byte % characters.length);
    }
    const password = `${text.slice(0, 11)}-${text.slice(11)}`;
    if (password.length === length && /\d/.test(password) && /[A-Z]/.test(password)) return password;
  }
}
