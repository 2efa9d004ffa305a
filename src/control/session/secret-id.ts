import { createHash } from "node:crypto";
import type { Random } from "#kernel/base/random.ts";

const idBytes = 32;
const idPattern = /^[A-Za-z0-9_-]{43}$/;

/** A new id that gives whoever has it a right: 256 random bits, 43 characters of base64url. */
export function makeSecretId(random: Random): string {
  return Buffer.from(random.bytes(idBytes)).toString("base64url");
}

/** Whether a text has the form of such an id. */
export function isSecretId(text: string): boolean {
  return idPattern.test(text);
}

/** What is stored of it, 64 hex digits. The text itself is hashed: base64url has several texts for some bytes. */
export function hashSecretId(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}
