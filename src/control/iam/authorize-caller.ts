import type { Clock } from "#kernel/base/clock.ts";
import { linksOfKey } from "#kernel/policy/credential-link.ts";
import { IdentityPolicies } from "#kernel/policy/identity-policies.ts";
import type { AllowsCaller } from "../session/credential-narrowing.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import { describeCaller, isControlAllowed, valuesAsked } from "./caller-request.ts";

/** What deciding stands on. */
export interface CallerPoliciesOptions {
  readonly publisher: Pick<SnapshotPublisher, "entries">;
  readonly clock: Clock;
}

/**
 * Decides control requests by the policies of the caller's user and those that narrow his credential, the same way as workers decide S3 requests. Users and tenants that
 * are gone or suspended may do nothing.
 */
export function makeAllowsCaller({ publisher, clock }: CallerPoliciesOptions): AllowsCaller {
  const policies = new IdentityPolicies({
    findGroup: (groupId) => publisher.entries("group").get(groupId),
    findPolicy: (policyId) => publisher.entries("policy").get(policyId),
  });
  return (caller, action, asked) => {
    const user = publisher.entries("user").get(caller.userId);
    const tenant = publisher.entries("tenant").get(user?.tenantId ?? "");
    if (user === undefined || tenant === undefined) return false;
    if (user.status !== "active" || tenant.status !== "active") return false;
    const links = linksOfKey(caller);
    const { narrowing, identity, ...resolved } = policies.resolveUser({ user, tenant, narrowing: links });
    const values = new Map([
      ...Object.entries(valuesAsked(asked)),
      ...describeCaller(caller, clock),
      ...resolved.values,
    ]);
    const sets = { narrowing, identity, resource: undefined };
    return isControlAllowed({ action, caller: resolved.caller, values }, asked, sets);
  };
}
