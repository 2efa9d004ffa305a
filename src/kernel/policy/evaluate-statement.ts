import { type Arn, matchArn } from "./arn-pattern.ts";
import type { CompiledStatement } from "./compile-policy.ts";
import { evaluateCondition, type Truth } from "./evaluate-condition.ts";
import type { ConditionValues } from "./pattern.ts";
import { type Caller, isExempt, matchPrincipals, type PrincipalMatch } from "./principal.ts";

/** What a request wants to touch. `account` is the owner's, of S3 resources too, though their ARNs do not show it. */
export interface AccessedResource extends Arn {
  /**
   * True when an S3 ARN without account means this resource: its bucket is in the namespace of the caller, or the whole
   * service is meant (path `*`). ARNs of other services always have an account, and this is false.
   */
  readonly plainName: boolean;
}

/** What is asked of the policies. */
export interface AccessRequest {
  /** In the catalogue's spelling, for example `s3:GetObject`. */
  readonly action: string;
  readonly resource: AccessedResource;
  readonly caller: Caller;
  /** The values of condition keys; only the server fills them. */
  readonly values: ConditionValues;
}

/** Whether a statement about the request's action is about its resource too. */
export function matchesResource({ resource }: CompiledStatement, request: AccessRequest): Truth {
  if (resource === undefined) return true;
  const { negated, items } = resource;
  let truth: Truth = negated;
  for (const { arn, plainName } of items) {
    if (plainName && !request.resource.plainName) continue;
    const match = matchArn(arn, request.resource, request.values);
    if (match === true) return !negated;
    // A pattern whose variable has no value matches nothing; left out by NotResource it would let everything through.
    if (match === "undecided" || (match === "unresolved" && negated)) truth = undefined;
  }
  return truth;
}

/** How a statement's principals fit the caller; `direct` for statements of identity policies. */
export function matchesPrincipal({ principal }: CompiledStatement, caller: Caller): PrincipalMatch {
  if (principal === undefined) return "direct";
  if (!principal.negated) return matchPrincipals(principal.principals, caller);
  return isExempt(principal.principals, caller) ? "none" : "direct";
}

/** Whether all conditions of a statement hold; one that does not outweighs those that are undecided. */
function holdsConditions({ conditions }: CompiledStatement, values: ConditionValues): Truth {
  let truth: Truth = true;
  for (const condition of conditions) {
    const one = evaluateCondition(condition, values);
    if (one === false) return false;
    if (one === undefined) truth = undefined;
  }
  return truth;
}

/** Whether a Deny about the request's action applies; where something is undecided, it does. */
export function denies(statement: CompiledStatement, request: AccessRequest): boolean {
  return (
    matchesResource(statement, request) !== false &&
    matchesPrincipal(statement, request.caller) !== "none" &&
    holdsConditions(statement, request.values) !== false
  );
}

/** Whom an Allow about the request's action lets in; where something is undecided, nobody. */
export function allows(statement: CompiledStatement, request: AccessRequest): "direct" | "account" | undefined {
  if (matchesResource(statement, request) !== true) return undefined;
  const match = matchesPrincipal(statement, request.caller);
  if (match === undefined || match === "none") return undefined;
  return holdsConditions(statement, request.values) === true ? match : undefined;
}
