import type { Clock } from "#kernel/base/clock.ts";
import { evaluateAccess } from "#kernel/policy/evaluate-access.ts";
import { IdentityPolicies } from "#kernel/policy/identity-policies.ts";
import type { AllowsCaller } from "../session/token-narrowing.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import { describeCaller, describeResource } from "./caller-request.ts";

/** What deciding stands on. */
export interface CallerPoliciesOptions {
  readonly publisher: Pick<SnapshotPublisher, "entries">;
  readonly clock: Clock;
}

/**
 * Decides control requests by the policies of the caller's user, the same way as workers decide S3 requests. Users and tenants that
 * are gone or suspended may do nothing.
 */
export function makeAllowsCaller({ publisher, clock }: CallerPoliciesOptions): AllowsCaller {
  const policies = new IdentityPolicies({
    findGroup: (groupId) => publisher.entries("group").get(groupId),
    findPolicy: (policyId) => publisher.entries("policy").get(policyId),
  });
  return (caller, action, resourceArn) => {
    const user = publisher.entries("user").get(caller.userId);
    const tenant = publisher.entries("tenant").get(user?.tenantId ?? "");
    const resource = describeResource(resourceArn);
    if (user === undefined || tenant === undefined || resource === undefined) return false;
    if (user.status !== "active" || tenant.status !== "active") return false;
    const { narrowing, identity, ...resolved } = policies.resolveUser({ user, tenant, narrowing: [] });
    const values = new Map([...describeCaller(caller, clock), ...resolved.values]);
    const sets = { narrowing, identity, resource: undefined };
    return evaluateAccess({ action, resource, caller: resolved.caller, values }, sets).outcome === "allow";
  };
}
