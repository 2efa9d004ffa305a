import { createHash, timingSafeEqual } from "node:crypto";
import type { KeyEntry } from "#kernel/protocol/snapshot.ts";
import { ControlError } from "./control-error.ts";

const maxHeaderCharacters = 1024;

/**
 * The administrator whose access key and secret a request carries as HTTP Basic. Interim: it ends when sessions exist.
 * The time it takes tells nothing about ids or secrets.
 * @throws ControlError Unauthorized for a missing, malformed or wrong header, a disabled key, or a user who is no administrator.
 * Source: RFC 7617.
 */
export function authenticateAdministrator(request: Request, keys: ReadonlyMap<string, KeyEntry>): KeyEntry {
  const header = request.headers.get("authorization") ?? "";
  const encoded =
    header.length <= maxHeaderCharacters ? /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1] : undefined;
  const text = Buffer.from(encoded ?? "", "base64").toString();
  const colon = text.indexOf(":");
  const entry = keys.get(text.slice(0, Math.max(0, colon)));
  const isRight = isEqual(text.slice(colon + 1), entry?.secretKey ?? "");
  if (entry === undefined || !isRight || colon < 0 || !entry.enabled || !entry.administrator) {
    throw new ControlError("Unauthorized");
  }
  return entry;
}

/** Digests have one length, so comparing them takes one time. */
function isEqual(seen: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(seen), digest(wanted));
}
