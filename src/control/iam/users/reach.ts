import type { PolicyHolder, UserEntry } from "#kernel/protocol/identities.ts";
import { ControlError } from "../../http/control-error.ts";
import type { SnapshotPublisher } from "../../snapshot/publisher.ts";
import type { Actor } from "../identity-work.ts";

type Entries = Pick<SnapshotPublisher, "entries">;

/**
 * Only global administrators touch their like, and who has a boundary touches identities of the same boundary alone.
 * @throws ControlError Forbidden
 */
export function requireReach(
  entries: Entries,
  actor: Actor,
  target: PolicyHolder & Partial<Pick<UserEntry, "global" | "boundaryPolicyId">>,
): void {
  if (target.global === true && !actor.caller.global)
    throw new ControlError("Forbidden", "Only global administrators change global administrators");
  const own = boundaryOf(entries, actor);
  if (own !== null && target.boundaryPolicyId !== own)
    throw new ControlError("Forbidden", "Your boundary lets you change only identities that have it too");
}

/**
 * The boundary a new identity gets: who has a boundary hands on the own one.
 * @throws ControlError Forbidden when another one is wanted
 */
export function requireBoundaryReach(entries: Entries, actor: Actor, wanted: string | null): string | null {
  const own = boundaryOf(entries, actor);
  if (own === null) return wanted;
  if (wanted !== null && wanted !== own)
    throw new ControlError("Forbidden", "Your boundary lets you set no other boundary");
  return own;
}

/** Who has a boundary changes no policies, groups or tenants: others might depend on them. @throws ControlError Forbidden */
export function requireNoBoundary(entries: Entries, actor: Actor): void {
  if (boundaryOf(entries, actor) !== null)
    throw new ControlError("Forbidden", "Your boundary lets you change only identities that have it too");
}

/** A caller who is not there any more is refused by the guard, and may change nothing here either. */
function boundaryOf(entries: Entries, { caller }: Actor): string | null {
  const user = entries.entries("user").get(caller.userId);
  return user === undefined ? "nobody" : user.boundaryPolicyId;
}
