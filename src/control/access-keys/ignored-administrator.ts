import { textsAreEqual } from "#kernel/base/texts-are-equal.ts";
import type { KeyEntry } from "#kernel/protocol/identities.ts";
import type { Log } from "../observe/log.ts";
import type { Credentials } from "../tenants/new-identifiers.ts";

/** The access keys there are. */
export interface StoredKeys {
  readonly keys: readonly KeyEntry[];
  /** Whether a user is a global administrator. */
  readonly isGlobal: (userId: string) => boolean;
}

/**
 * Warns when the configuration gives a key for the first administrator although the data folder has one, and the key is not
 * one that works: who set it expects that it does.
 * @param given undefined when nothing was given or this start used it.
 */
export function warnOfIgnoredAdministrator(given: Credentials | undefined, stored: StoredKeys, log: Log): void {
  if (given === undefined) return;
  const key = stored.keys.find(({ accessKeyId }) => accessKeyId === given.accessKeyId);
  const reason =
    findReason(given, key) ?? (key && !stored.isGlobal(key.userId) ? "it is no administrator's" : undefined);
  if (reason === undefined) return;
  log.warn(
    "admin.access_key and admin.secret_key (MAXIOFS_ADMIN_*) are ignored: they count at the first start only, and the data folder already has an administrator",
    { accessKeyId: given.accessKeyId, reason },
  );
}

function findReason({ secretKey }: Credentials, stored: KeyEntry | undefined): string | undefined {
  if (stored === undefined) return "there is no such access key";
  if (!textsAreEqual(secretKey, stored.secretKey)) return "its stored secret is another";
  return stored.enabled ? undefined : "it is disabled";
}
