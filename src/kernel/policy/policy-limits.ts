import type { PolicyKind } from "./policy-document.ts";

/** Characters of a policy's text with its white space, as a multiple of what it may have without: texts are kept as they are given. */
export const maxTextFactor = 4;

/** Bytes of UTF-8 of a bucket policy, white space included. */
export const maxBucketPolicyBytes = 20_480;

/** Problems, and warnings, reported at most for one policy; what comes later is not reported. */
export const maxProblems = 20;

/**
 * Characters other than white space a policy may have, by kind. Those of an identity's inline policies count together: who
 * stores them adds up `countPolicyCharacters`.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export const maxPolicyCharacters: Readonly<Record<Exclude<PolicyKind, "bucket">, number>> = {
  managed: 6144,
  userInline: 2048,
  groupInline: 5120,
  roleInline: 10_240,
  trust: 2048,
  key: 2048,
  session: 2048,
};

/** Characters of a policy's text as quotas count them: white space is free. */
export function countPolicyCharacters(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code !== 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) count += 1;
  }
  return count;
}

/** Says why a text is too long for its kind; undefined when it is not. */
export function findSizeProblem(text: string, kind: PolicyKind): string | undefined {
  const maxLength = kind === "bucket" ? maxBucketPolicyBytes : maxPolicyCharacters[kind] * maxTextFactor;
  if (text.length > maxLength)
    return `The policy has ${text.length} characters with white space, at most ${maxLength} are allowed here`;
  if (kind === "bucket") {
    const sizeBytes = new TextEncoder().encode(text).length;
    if (sizeBytes <= maxBucketPolicyBytes) return undefined;
    return `The policy has ${sizeBytes} bytes, a bucket policy at most ${maxBucketPolicyBytes}`;
  }
  const count = countPolicyCharacters(text);
  if (count <= maxPolicyCharacters[kind]) return undefined;
  return `The policy has ${count} characters without white space, at most ${maxPolicyCharacters[kind]} are allowed here`;
}

/** `?` in all patterns of a policy together: what a hostile one may cost a decision is bounded by it. */
export const maxQuestionMarks = 256;
