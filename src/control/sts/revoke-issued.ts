import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { RevocationEntry } from "#kernel/protocol/sts.ts";
import { sessionSeconds } from "#kernel/sts/parse-session-order.ts";
import type { ControlQueries } from "../database/control-database.ts";
import { upsertRevocation } from "./sts-session-store.ts";

/**
 * Ends all that was issued up to now with an access key, or to a user, because that may do less from now on. @returns what to publish
 */
export async function revokeIssued(
  queries: ControlQueries,
  revocationId: string,
  nowMs: number,
): Promise<SnapshotChange> {
  // What was given out in this very millisecond too.
  const value = { revocationId, beforeMs: nowMs + 1 };
  await upsertRevocation(queries, value, untilOf(value));
  return { kind: "revocation", id: revocationId, value };
}

/** Whatever was issued before has ended then. */
export function untilOf({ beforeMs }: RevocationEntry): number {
  return beforeMs + sessionSeconds.maxOwn * 1000;
}
