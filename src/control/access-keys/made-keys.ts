import { maxCredentialLinks } from "#kernel/policy/credential-link.ts";
import type { KeyEntry, KeyLimits } from "#kernel/protocol/identities.ts";
import type { ControlQueries } from "../database/control-database.ts";
import { readText } from "../database/row-values.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";

/** What a key takes over from the narrowed key that makes it. */
export interface Inheritance {
  /** Access key id; null: its maker is not narrowed, and it inherits nothing. */
  readonly madeBy: string | null;
  /** Texts of the maker's policies, in order. */
  readonly inherited: readonly string[];
  /** Milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null;
  readonly limits: KeyLimits;
}

/** What of a key's order its maker bounds. */
interface BoundedOrder extends Pick<KeyEntry, "userId" | "expiresAtMs" | "limits"> {
  readonly policy: string | null;
}

/** Finds keys by id as they are stored at this moment. */
type FindKey = (accessKeyId: string) => Promise<KeyEntry | undefined>;

const limitNames = ["requestsPerSecond", "maxConnections", "bytesPerSecond"] as const;

/**
 * What a new key of `caller` inherits: whatever narrows him, his end and his limits. Asks the database and not the caller, who
 * may have been changed since he was let in.
 * @throws ControlError Forbidden (a narrowed caller makes keys of his own user alone), InvalidRequest (too many links, a later end)
 */
export async function inheritFrom(caller: Caller, order: BoundedOrder, findKey: FindKey): Promise<Inheritance> {
  const { expiresAtMs, limits } = order;
  if (caller.narrowing.length === 0) return { madeBy: null, inherited: [], expiresAtMs, limits };
  const maker = caller.accessKeyId === undefined ? undefined : await findKey(caller.accessKeyId);
  const isOwn = maker?.userId === caller.userId && order.userId === caller.userId;
  if (maker === undefined || !maker.enabled || !isOwn)
    throw new ControlError("Forbidden", "A narrowed credential makes keys of its own user alone");
  requireLinks(maker.narrowing.length, order.policy);
  requireEnd(maker, expiresAtMs ?? maker.expiresAtMs);
  return {
    madeBy: maker.accessKeyId,
    inherited: maker.narrowing,
    expiresAtMs: expiresAtMs ?? maker.expiresAtMs,
    limits: boundedLimits(maker.limits, limits),
  };
}

/** @throws ControlError InvalidRequest when the chain with the key's own policy has too many links */
export function requireLinks(inherited: number, policy: string | null): void {
  if (inherited + (policy === null ? 0 : 1) <= maxCredentialLinks) return;
  const message = `At most ${maxCredentialLinks} policies narrow a key, those it inherits included`;
  throw new ControlError("InvalidRequest", message, [{ pointer: "/policy", message }]);
}

/** @throws ControlError InvalidRequest when a key would outlive the one that made it */
export function requireEnd(maker: Pick<KeyEntry, "expiresAtMs">, expiresAtMs: number | null): void {
  if (maker.expiresAtMs === null || (expiresAtMs !== null && expiresAtMs <= maker.expiresAtMs)) return;
  const message = "A key ends no later than the key that made it";
  throw new ControlError("InvalidRequest", message, [{ pointer: "/expiresAt", message }]);
}

/** The lower bound of each kind; a maker without one bounds nothing. */
function boundedLimits(maker: KeyLimits, wanted: KeyLimits): KeyLimits {
  const bounds = limitNames.map((name) => {
    const given = [maker[name], wanted[name]].filter((bound) => typeof bound === "number");
    return [name, given.length === 0 ? wanted[name] : Math.min(...given)] as const;
  });
  return Object.fromEntries(bounds.filter(([, bound]) => bound !== undefined));
}

/** Ids of the keys that a key made, directly or through others. */
export async function findMadeKeys(
  queries: Pick<ControlQueries, "all">,
  accessKeyId: string,
): Promise<readonly string[]> {
  const rows = await queries.all(
    `WITH RECURSIVE made (access_key_id) AS (
       SELECT access_key_id FROM access_keys WHERE made_by = $1
       UNION SELECT k.access_key_id FROM access_keys k JOIN made m ON k.made_by = m.access_key_id
     ) SELECT access_key_id FROM made ORDER BY access_key_id`,
    [accessKeyId],
  );
  return rows.map((row) => readText(row, "access_key_id"));
}

/** What a narrowed caller may remove: keys that his own made. @throws ControlError Forbidden */
export async function requireMade(
  queries: Pick<ControlQueries, "all">,
  { narrowing, accessKeyId }: Caller,
  removed: string,
): Promise<void> {
  if (narrowing.length === 0) return;
  const made = accessKeyId === undefined ? [] : await findMadeKeys(queries, accessKeyId);
  if (!made.includes(removed)) throw new ControlError("Forbidden", "A narrowed key removes only keys that it made");
}
