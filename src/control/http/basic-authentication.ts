import { textsAreEqual } from "#kernel/base/texts-are-equal.ts";
import type { KeyEntry, UserEntry } from "#kernel/protocol/identities.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";

const maxHeaderCharacters = 1024;

/** An access key and a secret as a client gave them. */
export interface BasicCredentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/**
 * The access key and secret that a request carries as HTTP Basic; undefined for a missing or malformed header.
 * Source: RFC 7617.
 */
export function readBasicCredentials(request: Request): BasicCredentials | undefined {
  const header = request.headers.get("authorization") ?? "";
  if (header.length > maxHeaderCharacters) return undefined;
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  const text = Buffer.from(encoded ?? "", "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { accessKeyId: text.slice(0, colon), secretKey: text.slice(colon + 1) };
}

/** A key and its holder. */
export interface KeyHolder {
  readonly key: KeyEntry;
  readonly user: UserEntry;
}

/**
 * The global administrator whose enabled key these are, narrowed or not; undefined for wrong ones and those of other users.
 * The time it takes tells nothing about ids or secrets.
 */
export function findAdministrator(
  { accessKeyId, secretKey }: BasicCredentials,
  entries: Pick<SnapshotPublisher, "entries">,
  nowMs: number,
): KeyHolder | undefined {
  const key = entries.entries("key").get(accessKeyId);
  const isRight = textsAreEqual(secretKey, key?.secretKey ?? "");
  const user = entries.entries("user").get(key?.userId ?? "");
  if (key === undefined || user === undefined || !isRight || !key.enabled) return undefined;
  const isLive = key.expiresAtMs === null || key.expiresAtMs > nowMs;
  const isActive = user.status === "active" && entries.entries("tenant").get(user.tenantId)?.status === "active";
  return isLive && isActive && user.global ? { key, user } : undefined;
}
