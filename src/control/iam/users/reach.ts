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

/** What global administrators have their rights from is changed by their like alone. @throws ControlError Forbidden */
export function requireGroupReach(entries: Entries, actor: Actor, groupId: string): void {
  requireNoGlobal(entries, actor, ({ groupIds }) => groupIds.includes(groupId));
}

/** As `requireGroupReach`: a managed policy that they, or their groups, have. @throws ControlError Forbidden */
export function requirePolicyReach(entries: Entries, actor: Actor, policyId: string): void {
  const groups = entries.entries("group");
  requireNoGlobal(entries, actor, ({ policyIds, boundaryPolicyId, groupIds }) => {
    const isOfGroup = groupIds.some((groupId) => groups.get(groupId)?.policyIds.includes(policyId));
    return policyIds.includes(policyId) || boundaryPolicyId === policyId || isOfGroup;
  });
}

function requireNoGlobal(entries: Entries, actor: Actor, isConcerned: (user: UserEntry) => boolean): void {
  if (actor.caller.global) return;
  for (const user of entries.entries("user").values()) {
    if (user.global && isConcerned(user))
      throw new ControlError(
        "Forbidden",
        "Only global administrators change what global administrators have rights from",
      );
  }
}

/** A caller who is not there any more is refused by the guard, and may change nothing here either. */
function boundaryOf(entries: Entries, { caller }: Actor): string | null {
  const user = entries.entries("user").get(caller.userId);
  return user === undefined ? "nobody" : user.boundaryPolicyId;
}
