import { isCommonPassword } from "./common-password.ts";
import type { SessionSettings } from "./session-settings.ts";

/** Longest password, bytes of UTF-8 after normalization. */
export const maxPasswordBytes = 256;

/** Settings that rule passwords. */
export type PasswordRules = Pick<
  SessionSettings,
  | "security.password_min_length"
  | "security.password_require_uppercase"
  | "security.password_require_numbers"
  | "security.password_require_special"
>;

/**
 * What is wrong with a new password, one sentence for each; empty when nothing is. Characters are counted as Unicode code points
 * after normalization to NFKC.
 * Source: NIST SP 800-63B section 5.1.1.2.
 */
export function findPasswordProblems(password: string, userName: string, rules: PasswordRules): readonly string[] {
  const text = password.normalize("NFKC");
  const minLength = rules["security.password_min_length"];
  const checks: readonly (readonly [isWrong: boolean, message: string])[] = [
    [[...text].length < minLength, `The password must have at least ${minLength} characters`],
    [Buffer.byteLength(text) > maxPasswordBytes, `The password must have at most ${maxPasswordBytes} bytes`],
    [/\p{Cc}/u.test(text), "The password must have no control characters"],
    [
      rules["security.password_require_uppercase"] && !/\p{Lu}/u.test(text),
      "The password must have an upper-case letter",
    ],
    [rules["security.password_require_numbers"] && !/\p{Nd}/u.test(text), "The password must have a digit"],
    [
      rules["security.password_require_special"] && !/[^\p{L}\p{N}]/u.test(text),
      "The password must have a character that is neither letter nor digit",
    ],
    [isOwnName(text, userName), "The password must not be the user's name"],
    [isCommonPassword(text), "The password is one of the most common ones"],
  ];
  return checks.flatMap(([isWrong, message]) => (isWrong ? [message] : []));
}

/** The name itself, forwards or backwards, with nothing but digits and signs around it. */
function isOwnName(text: string, userName: string): boolean {
  const bare = (value: string) => value.toLowerCase().replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
  const name = userName.toLowerCase();
  const backwards = [...name].reverse().join("");
  return [text.toLowerCase(), bare(text)].some(
    (value) => value !== "" && [name, bare(name), backwards].includes(value),
  );
}
