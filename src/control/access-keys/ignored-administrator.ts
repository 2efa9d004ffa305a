import { timingSafeEqual } from "node:crypto";
import type { KeyEntry } from "#kernel/protocol/snapshot.ts";
import type { Log } from "../observe/log.ts";
import type { Credentials } from "../tenants/new-identifiers.ts";

/**
 * Warns when the configuration gives a key for the first administrator although the data folder has one, and the key is not
 * one that works: who set it expects that it does.
 * @param given undefined when nothing was given or this start used it.
 */
export function warnOfIgnoredAdministrator(given: Credentials | undefined, keys: readonly KeyEntry[], log: Log): void {
  if (given === undefined) return;
  const stored = keys.find(({ accessKeyId }) => accessKeyId === given.accessKeyId);
  const reason = findReason(given, stored);
  if (reason === undefined) return;
  log.warn(
    "admin.access_key and admin.secret_key (MAXIOFS_ADMIN_*) are ignored: they count at the first start only, and the data folder already has an administrator",
    { accessKeyId: given.accessKeyId, reason },
  );
}

function findReason({ secretKey }: Credentials, stored: KeyEntry | undefined): string | undefined {
  if (stored === undefined) return "there is no such access key";
  const [seen, wanted] = [Buffer.from(secretKey), Buffer.from(stored.secretKey)];
  if (seen.length !== wanted.length || !timingSafeEqual(seen, wanted)) return "its stored secret is another";
  if (!stored.enabled) return "it is disabled";
  return stored.administrator ? undefined : "it is no administrator's";
}
