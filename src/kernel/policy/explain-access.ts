import { findAction } from "./actions.ts";
import type { CompiledCondition } from "./compile-condition.ts";
import { type CompiledPolicy, type CompiledStatement, isAboutAction, type StatementRef } from "./compile-policy.ts";
import { type DecidingLayer, type Decision, evaluateAccess, type PolicySets } from "./evaluate-access.ts";
import { evaluateCondition } from "./evaluate-condition.ts";
import { type AccessRequest, matchesPrincipal, matchesResource } from "./evaluate-statement.ts";
import type { Effect } from "./policy-document.ts";

/** How one clause of a Condition element went. */
export interface ExplainedCondition {
  /** The key; undefined when the clause names one that is unknown here. */
  readonly key: string | undefined;
  readonly outcome: "holds" | "fails" | "undecided";
  /** What the request had; undefined when it had nothing. */
  readonly seen: string | readonly string[] | undefined;
}

/** How one statement went, beginning at its action. */
export interface ExplainedStatement {
  readonly layer: DecidingLayer;
  readonly ref: StatementRef;
  readonly effect: Effect;
  /** True when it took part in the decision. */
  readonly applies: boolean;
  /** Elements that do not fit the request; empty when it applies. */
  readonly misses: readonly ("resource" | "principal" | "condition")[];
  /** Every clause, in the order of the text. */
  readonly conditions: readonly ExplainedCondition[];
}

/** A decision with everything that was looked at. */
export interface Explanation {
  readonly decision: Decision;
  /** Statements about the action, in the order of evaluation. */
  readonly statements: readonly ExplainedStatement[];
  /** Condition keys the statements about the action ask for, and the request does not have; each once. */
  readonly missingKeys: readonly string[];
  /** The smallest statement that would let the next layer allow; undefined when no statement would help. */
  readonly suggestion: SuggestedStatement | undefined;
}

/** A statement as a policy's text has it, and the layer it belongs to. */
export interface SuggestedStatement {
  readonly layer: DecidingLayer;
  readonly statement: {
    readonly Effect: "Allow";
    readonly Principal?: "*" | { readonly AWS: string };
    readonly Action: string;
    readonly Resource?: string;
  };
}

/**
 * Decides as `evaluateAccess` does and says how: for "why was this denied" and for the simulator. Costs more: every statement is
 * looked at. Shows values of the request: only callers who may ask for explanations see them.
 */
export function explainAccess(request: AccessRequest, sets: PolicySets): Explanation {
  const decision = evaluateAccess(request, sets);
  const statements = layersOf(sets).flatMap(([layer, policies]) =>
    policies.flatMap((policy) => explainPolicy(layer, policy, request)),
  );
  const missing = statements.flatMap(({ conditions }) =>
    conditions.flatMap(({ key, seen }) => (key === undefined || seen !== undefined ? [] : [key])),
  );
  return { decision, statements, missingKeys: [...new Set(missing)], suggestion: suggest(request, decision) };
}

function layersOf({ narrowing, identity, resource }: PolicySets): [DecidingLayer, readonly CompiledPolicy[]][] {
  const layers: [DecidingLayer, readonly CompiledPolicy[]][] = narrowing.map(({ layer, policies }) => [
    layer,
    policies,
  ]);
  layers.push(["identityPolicy", identity]);
  if (resource?.policy !== undefined) layers.push([resource.layer, [resource.policy]]);
  return layers;
}

function explainPolicy(layer: DecidingLayer, policy: CompiledPolicy, request: AccessRequest): ExplainedStatement[] {
  const lowerName = request.action.toLowerCase();
  return policy.statements
    .filter((statement) => isAboutAction(statement, lowerName))
    .map((statement) => explainStatement(layer, statement, request));
}

function explainStatement(
  layer: DecidingLayer,
  statement: CompiledStatement,
  request: AccessRequest,
): ExplainedStatement {
  const { ref, effect } = statement;
  const conditions = statement.conditions.map((condition) => explainCondition(condition, request));
  // What is undecided counts for a Deny, and against an Allow.
  const counts = (truth: boolean | undefined) => truth ?? effect === "Deny";
  const principal = matchesPrincipal(statement, request.caller);
  const misses: ExplainedStatement["misses"][number][] = [];
  if (!counts(matchesResource(statement, request))) misses.push("resource");
  if (!counts(principal === undefined ? undefined : principal !== "none")) misses.push("principal");
  const isMissed = conditions.some(
    ({ outcome }) => outcome === "fails" || (outcome === "undecided" && effect === "Allow"),
  );
  if (isMissed) misses.push("condition");
  return { layer, ref, effect, applies: misses.length === 0, misses, conditions };
}

function explainCondition(condition: CompiledCondition, { values }: AccessRequest): ExplainedCondition {
  const truth = evaluateCondition(condition, values);
  const key = condition.kind === "undecided" ? undefined : condition.key;
  const seen = key === undefined ? undefined : values.get(key);
  if (truth === undefined) return { key, outcome: "undecided", seen };
  return { key, outcome: truth ? "holds" : "fails", seen };
}

function suggest(request: AccessRequest, { outcome, layer }: Decision): SuggestedStatement | undefined {
  if (outcome !== "implicitDeny" || layer === "flag" || layer === "publicAccessBlock") return undefined;
  const Action = findAction(request.action)?.name ?? request.action;
  if (layer !== "bucketPolicy" && layer !== "trustPolicy") {
    return { layer, statement: { Effect: "Allow", Action, Resource: arnOf(request) } };
  }
  const { caller } = request;
  const named = caller.kind === "user" ? caller.arn : caller.kind === "role" && caller.roleArn;
  const Principal = named ? { AWS: named } : "*";
  if (layer === "trustPolicy") return { layer, statement: { Effect: "Allow", Principal, Action } };
  return { layer, statement: { Effect: "Allow", Principal, Action, Resource: arnOf(request) } };
}

/** As a policy names the resource; wildcards in a key are written so that they are none. */
function arnOf({ resource }: AccessRequest): string {
  const { partition, service, region, account, path, plainName } = resource;
  const literal = path === "*" ? path : path.replace(/[*?$]/g, (character) => `\${${character}}`);
  return `arn:${partition}:${service}:${region}:${plainName ? "" : account}:${literal}`;
}
