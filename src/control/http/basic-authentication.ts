import { createHash, timingSafeEqual } from "node:crypto";
import type { KeyEntry } from "#kernel/protocol/snapshot.ts";

const maxHeaderCharacters = 1024;

/** An access key and a secret as a client gave them. */
export interface BasicCredentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/**
 * The access key and secret that a request carries as HTTP Basic; undefined for a missing or malformed header. Interim: it ends when
 * sessions exist. Source: RFC 7617.
 */
export function readBasicCredentials(request: Request): BasicCredentials | undefined {
  const header = request.headers.get("authorization") ?? "";
  if (header.length > maxHeaderCharacters) return undefined;
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  const text = Buffer.from(encoded ?? "", "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { accessKeyId: text.slice(0, colon), secretKey: text.slice(colon + 1) };
}

/**
 * The administrator whose enabled key these are; undefined for wrong ones and those of other users. The time it takes tells nothing
 * about ids or secrets.
 */
export function findAdministrator(
  { accessKeyId, secretKey }: BasicCredentials,
  keys: ReadonlyMap<string, KeyEntry>,
): KeyEntry | undefined {
  const entry = keys.get(accessKeyId);
  const isRight = isEqual(secretKey, entry?.secretKey ?? "");
  return entry !== undefined && isRight && entry.enabled && entry.administrator ? entry : undefined;
}

/** Digests have one length, so comparing them takes one time. */
function isEqual(seen: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(seen), digest(wanted));
}
