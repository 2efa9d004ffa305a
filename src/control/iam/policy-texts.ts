import { builtInPrefix, findBuiltInPolicy } from "#kernel/policy/built-in-policies.ts";
import { parsePolicy } from "#kernel/policy/parse-policy.ts";
import type { PolicyKind } from "#kernel/policy/policy-document.ts";
import { countPolicyCharacters, maxPolicyCharacters, maxTextFactor } from "#kernel/policy/policy-limits.ts";
import type { InlinePolicy } from "#kernel/protocol/identities.ts";
import type { ControlQueries } from "../database/control-database.ts";
import { ControlError } from "../http/control-error.ts";

/** What every user may do about the own log-in and keys; new users have it unless they are made without. */
export const selfServicePolicy = "arn:aws:iam::aws:policy/selfService";
/** Everything in the tenant. */
export const administratorPolicy = "arn:aws:iam::aws:policy/consoleAdmin";

/** @throws ControlError InvalidRequest with a JSON pointer for each thing that is wrong with the text */
export function requirePolicy(text: string, kind: PolicyKind): void {
  const parsed = parsePolicy(text, { kind });
  if (parsed.kind === "document") return;
  const parts = parsed.problems.map(({ pointer, message }) => ({ pointer: `/document${pointer}`, message }));
  throw new ControlError("InvalidRequest", "The policy is malformed", parts);
}

/** @throws ControlError Conflict when the inline policies of one identity are longer than they may be together */
export function requireInlineRoom(policies: readonly InlinePolicy[], kind: Exclude<PolicyKind, "bucket">): void {
  const total = policies.reduce((sum, { text }) => sum + countPolicyCharacters(text), 0);
  if (total > maxPolicyCharacters[kind])
    throw new ControlError("Conflict", `Inline policies may have ${maxPolicyCharacters[kind]} characters together`);
  const maxLength = maxPolicyCharacters[kind] * maxTextFactor;
  if (policies.reduce((sum, { text }) => sum + text.length, 0) > maxLength)
    throw new ControlError("Conflict", `Inline policies may have ${maxLength} characters together with white space`);
}

/**
 * The id of a policy by its id, or by name or ARN of a built-in one.
 * @throws ControlError NotFound, also for policies of other tenants
 */
export async function resolvePolicyId(queries: ControlQueries, tenantId: string, text: string): Promise<string> {
  const builtIn = findBuiltInPolicy(text);
  if (builtIn !== undefined) return builtInPrefix + builtIn.name;
  const rows = await queries.all("SELECT policy_id FROM managed_policies WHERE policy_id = $1 AND tenant_id = $2", [
    text,
    tenantId,
  ]);
  if (rows.length === 0) throw new ControlError("NotFound", "There is no such policy");
  return text;
}
