import { sha256OfLatin1 } from "./canonical-request.ts";

/** Headers whose values open something: tokens and keys of customers. */
const secretHeaders = [
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-amz-security-token",
  "x-amz-server-side-encryption-customer-key",
  "x-amz-copy-source-server-side-encryption-customer-key",
];
const secretLine = new RegExp(`^((?:${secretHeaders.join("|")}):)(.+)$`, "gim");
const secretParameter = new RegExp(`((?:^|[?&\\n])(?:${secretHeaders.join("|")})=)([^&\\n]+)`, "gi");

/**
 * A canonical request or a string to sign without secrets: each is replaced by the first 32 bits of its digest, so that two
 * of these texts differ where the secrets do. Doing it again
 * changes nothing. @param text Unicode
 */
export function redactSignedText(text: string): string {
  return text.replace(secretLine, replace).replace(secretParameter, replace);
}

const replaced = /^\(sha256 [0-9a-f]{8}\)$/;

function replace(whole: string, name: string, value: string): string {
  if (replaced.test(value)) return whole;
  const digest = sha256OfLatin1(Buffer.from(value, "utf8").toString("latin1"));
  return `${name}(sha256 ${digest.slice(0, 8)})`;
}
