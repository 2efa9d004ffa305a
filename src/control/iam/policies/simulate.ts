import { findAction } from "#kernel/policy/actions.ts";
import { compilePolicyText } from "#kernel/policy/compile-policy.ts";
import { linksOfKey } from "#kernel/policy/credential-link.ts";
import type { PolicySets } from "#kernel/policy/evaluate-access.ts";
import { type Explanation, explainAccess } from "#kernel/policy/explain-access.ts";
import { IdentityPolicies } from "#kernel/policy/identity-policies.ts";
import type { Caller } from "#kernel/policy/principal.ts";
import { ControlError } from "../../http/control-error.ts";
import type { SnapshotPublisher } from "../../snapshot/publisher.ts";
import { describeResource } from "../caller-request.ts";
import { requirePolicy } from "../policy-texts.ts";

/** What is asked of the simulator. */
export interface Simulation {
  /** A user whose policies count; absent: only the pasted ones. */
  readonly userId?: string;
  /** A key of the user, whose policy narrows it. */
  readonly accessKeyId?: string;
  /** Pasted identity policies, beside those of the user. */
  readonly policies: readonly string[];
  readonly actions: readonly string[];
  /** ARNs, or `*`. */
  readonly resources: readonly string[];
  /** Values of condition keys. */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

/** One action on one resource, decided and explained. */
export interface SimulatedAccess {
  readonly action: string;
  readonly resource: string;
  readonly explanation: Explanation;
}

interface Subject {
  readonly caller: Caller;
  readonly sets: PolicySets;
  readonly values: ReadonlyMap<string, string>;
}

/**
 * What policies would decide, with the very evaluator that decides requests.
 * @throws ControlError NotFound (user or key), InvalidRequest (policies, actions, resources)
 */
export function simulate(
  publisher: Pick<SnapshotPublisher, "entries">,
  tenantId: string,
  asked: Simulation,
): readonly SimulatedAccess[] {
  for (const text of asked.policies) requirePolicy(text, "managed");
  const pasted = asked.policies.map((text, index) =>
    compilePolicyText(text, { kind: "managed" }, { name: `policies/${index}` }),
  );
  const { caller, sets, values } = subjectOf(publisher, tenantId, asked);
  const all = { ...sets, identity: [...sets.identity, ...pasted] };
  const context = new Map<string, string | readonly string[]>([...values, ...Object.entries(asked.context)]);
  return asked.actions.flatMap((name) => {
    const action = findAction(name)?.name;
    if (action === undefined) throw wrong("/actions", `${name} is no action`);
    return asked.resources.map((arn) => {
      const resource = describeResource(action, arn);
      if (resource === undefined) throw wrong("/resources", `${arn} is no ARN`);
      return { action, resource: arn, explanation: explainAccess({ action, resource, caller, values: context }, all) };
    });
  });
}

function subjectOf(publisher: Pick<SnapshotPublisher, "entries">, tenantId: string, asked: Simulation): Subject {
  const tenant = publisher.entries("tenant").get(tenantId);
  const user = publisher.entries("user").get(asked.userId ?? "");
  if (tenant === undefined) throw new ControlError("NotFound");
  if (asked.userId === undefined) {
    const { accountId, canonicalId } = tenant;
    const arn = `arn:aws:iam::${accountId}:user/simulated`;
    const caller = { kind: "user", accountId, canonicalId, userId: "AIDASIMULATED", arn, global: false } as const;
    return { caller, sets: { narrowing: [], identity: [], resource: undefined }, values: new Map() };
  }
  if (user?.tenantId !== tenantId) throw new ControlError("NotFound", "There is no such user");
  const key = asked.accessKeyId === undefined ? undefined : publisher.entries("key").get(asked.accessKeyId);
  if (asked.accessKeyId !== undefined && key?.userId !== user.userId)
    throw new ControlError("NotFound", "The user has no such key");
  const policies = new IdentityPolicies({
    findGroup: (groupId) => publisher.entries("group").get(groupId),
    findPolicy: (policyId) => publisher.entries("policy").get(policyId),
  });
  const narrowing = key === undefined ? [] : linksOfKey(key);
  const resolved = policies.resolveUser({ user, tenant, narrowing });
  const sets = { narrowing: resolved.narrowing, identity: resolved.identity, resource: undefined };
  return { caller: resolved.caller, sets, values: resolved.values };
}

function wrong(pointer: string, message: string): ControlError {
  return new ControlError("InvalidRequest", message, [{ pointer, message }]);
}
