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

/** Characters of all pasted policies together. */
const maxPastedLength = 100_000;
/** About so many bytes are answered at most; each decision tells of every statement. */
const maxAnswerBytes = 4 * 2 ** 20;
/** Of a condition key's values, in each condition that looked at it: the caller knows what he sent. */
const maxSeenLength = 128;
const [statementBytes, conditionBytes] = [300, 250];

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
  const pastedLength = asked.policies.reduce((sum, { length }) => sum + length, 0);
  if (pastedLength > maxPastedLength)
    throw wrong("/policies", `${maxPastedLength} characters of policies may be simulated at a time`);
  for (const text of asked.policies) requirePolicy(text, "managed");
  const pasted = asked.policies.map((text, index) =>
    compilePolicyText(text, { kind: "managed" }, { name: `policies/${index}` }),
  );
  const { caller, sets, values } = subjectOf(publisher, tenantId, asked);
  const all = { ...sets, identity: [...sets.identity, ...pasted] };
  const context = new Map<string, string | readonly string[]>([...values, ...Object.entries(asked.context)]);
  let answerBytes = 0;
  return asked.actions.flatMap((name) => {
    const action = findAction(name)?.name;
    if (action === undefined) throw wrong("/actions", `${name} is no action`);
    return asked.resources.map((arn) => {
      const resource = describeResource(action, arn);
      if (resource === undefined) throw wrong("/resources", `${arn} is no ARN`);
      const explanation = shorten(explainAccess({ action, resource, caller, values: context }, all));
      answerBytes += weigh(explanation);
      if (answerBytes > maxAnswerBytes)
        throw wrong("/actions", "The answer would be too long: ask for fewer actions, resources or policies at a time");
      return { action, resource: arn, explanation };
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

function shorten(explanation: Explanation): Explanation {
  const statements = explanation.statements.map((statement) => ({
    ...statement,
    conditions: statement.conditions.map((condition) => ({ ...condition, seen: cutSeen(condition.seen) })),
  }));
  return { ...explanation, statements };
}

function cutSeen(seen: string | readonly string[] | undefined): string | readonly string[] | undefined {
  const text = typeof seen === "string" ? seen : (seen?.join(", ") ?? "");
  if (text.length <= maxSeenLength) return seen;
  const cut = `${text.slice(0, maxSeenLength)}...`;
  return typeof seen === "string" ? cut : [cut];
}

function weigh({ statements }: Explanation): number {
  const conditionCount = statements.reduce((sum, { conditions }) => sum + conditions.length, 0);
  return statements.length * statementBytes + conditionCount * conditionBytes;
}

function wrong(pointer: string, message: string): ControlError {
  return new ControlError("InvalidRequest", message, [{ pointer, message }]);
}
