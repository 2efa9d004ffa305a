import { findAction } from "./actions.ts";
import { type ArnPattern, compileArnPattern } from "./arn-pattern.ts";
import { type CompiledCondition, compileCondition } from "./compile-condition.ts";
import { type PolicyPlace, parsePolicy } from "./parse-policy.ts";
import { compilePattern, literalPrefix, matchPattern, type Pattern } from "./pattern.ts";
import type { Effect, Listed, PolicyDocument, PolicyStatement } from "./policy-document.ts";
import { type CompiledPrincipals, compilePrincipals, type ResolvePrincipal } from "./principal.ts";

/** Names a statement in decisions, logs and explanations. */
export interface StatementRef {
  /** The policy's name or ARN, as given to `compilePolicy`. */
  readonly policy: string;
  /** Place among the policy's statements, from 0; -1 for the denial that stands for a policy that cannot be read. */
  readonly index: number;
  readonly sid: string | undefined;
}

/** One pattern of a Resource element; plain data. */
export interface ResourcePattern {
  readonly arn: ArnPattern;
  /** True for an S3 ARN without account, which fits any account: it is about resources whose plain name it gives. */
  readonly plainName: boolean;
}

/** A statement ready to be evaluated; plain data. */
export interface CompiledStatement {
  readonly ref: StatementRef;
  readonly effect: Effect;
  /** Undefined in identity policies: they are about their identity. */
  readonly principal: { readonly negated: boolean; readonly principals: CompiledPrincipals } | undefined;
  readonly action: Listed<Pattern>;
  /** Undefined in trust policies: they are about their role. */
  readonly resource: Listed<ResourcePattern> | undefined;
  readonly conditions: readonly CompiledCondition[];
}

/** Statements by what they can be about. A resource is looked up under its bucket, then among the others. */
export interface StatementList {
  /** Statements whose every pattern begins with the name of a bucket, under each of those names. */
  readonly byBucket: ReadonlyMap<string, readonly CompiledStatement[]>;
  /** All other statements, those of other services too. */
  readonly others: readonly CompiledStatement[];
}

/** The statements of a policy that are about one action. */
export interface StatementsOfAction {
  readonly deny: StatementList;
  readonly allow: StatementList;
}

/** A policy ready to be evaluated; plain data. Build it once for each change of the policy: it remembers what it was asked. */
export interface CompiledPolicy {
  readonly name: string;
  readonly statements: readonly CompiledStatement[];
  /** Filled while it is used, with actions of the catalogue alone, so that it stays small. */
  readonly byAction: Map<string, StatementsOfAction>;
}

/** What the policy is called, and how its principals are known. */
export interface CompileOptions {
  readonly name: string;
  /** Without it principals count by the ARN as written: right for simulations alone. */
  readonly resolvePrincipal?: ResolvePrincipal;
}

const everyone: CompiledPrincipals = {
  everyone: true,
  accounts: [],
  identities: [],
  services: [],
  providers: [],
  unresolved: false,
};

/** Compiles a document. Never fails: what is unknown in it is never decided in favour of a caller. */
export function compilePolicy(document: PolicyDocument, options: CompileOptions): CompiledPolicy {
  const variables = document.version === "2012-10-17";
  return {
    name: options.name,
    statements: document.statements.map((statement, index) =>
      compileStatement(statement, { policy: options.name, index, sid: statement.sid }, { ...options, variables }),
    ),
    byAction: new Map(),
  };
}

/** Parses and compiles a stored policy. One that cannot be read, for whatever reason, denies everything to everyone. */
export function compilePolicyText(text: string, place: PolicyPlace, options: CompileOptions): CompiledPolicy {
  const parsed = parsePolicy(text, place);
  return parsed.kind === "document" ? compilePolicy(parsed.document, options) : denyEverything(options.name);
}

/** Stands for a policy that is missing or cannot be read. */
export function denyEverything(name: string): CompiledPolicy {
  const statement: CompiledStatement = {
    ref: { policy: name, index: -1, sid: undefined },
    effect: "Deny",
    principal: { negated: false, principals: everyone },
    action: { negated: false, items: [{ kind: "any" }] },
    resource: undefined,
    conditions: [],
  };
  return { name, statements: [statement], byAction: new Map() };
}

/** The statements that are about an action; for one of the catalogue they are remembered. */
export function statementsOfAction(policy: CompiledPolicy, action: string): StatementsOfAction {
  const known = policy.byAction.get(action);
  if (known !== undefined) return known;
  const lowerName = action.toLowerCase();
  const statements = policy.statements.filter((statement) => isAboutAction(statement, lowerName));
  const found = {
    deny: listStatements(statements.filter((statement) => statement.effect === "Deny")),
    allow: listStatements(statements.filter((statement) => statement.effect === "Allow")),
  };
  if (findAction(action)?.name === action) policy.byAction.set(action, found);
  return found;
}

/** Whether a statement is about an action, given in lower case. */
export function isAboutAction({ action }: CompiledStatement, lowerName: string): boolean {
  return action.items.some((pattern) => matchPattern(pattern, lowerName, noValues) === true) !== action.negated;
}

function listStatements(statements: readonly CompiledStatement[]): StatementList {
  const byBucket = new Map<string, CompiledStatement[]>();
  const others: CompiledStatement[] = [];
  for (const statement of statements) {
    const buckets = bucketsOf(statement);
    if (buckets === undefined) others.push(statement);
    for (const bucket of buckets ?? []) byBucket.set(bucket, [...(byBucket.get(bucket) ?? []), statement]);
  }
  return { byBucket, others };
}

/** The buckets a statement can be about; undefined when its text does not tell. */
function bucketsOf({ resource }: CompiledStatement): ReadonlySet<string> | undefined {
  if (resource === undefined || resource.negated) return undefined;
  const buckets = new Set<string>();
  for (const { arn } of resource.items) {
    if (arn.kind !== "parts" || arn.service !== "s3") return undefined;
    const prefix = literalPrefix(arn.path);
    const slash = prefix.indexOf("/");
    if (slash < 0 && arn.path.kind !== "exact") return undefined;
    buckets.add(slash < 0 ? prefix : prefix.slice(0, slash));
  }
  return buckets;
}

const noValues: ReadonlyMap<string, string> = new Map();

function compileStatement(
  statement: PolicyStatement,
  ref: StatementRef,
  { resolvePrincipal, variables }: CompileOptions & { readonly variables: boolean },
): CompiledStatement {
  const { effect, principal, action, resource, conditions } = statement;
  const actionSyntax = { wildcards: true, variables: false, ignoreCase: true };
  return {
    ref,
    effect,
    principal: principal && {
      negated: principal.negated,
      principals: compilePrincipals(principal.items, resolvePrincipal),
    },
    action: { negated: action.negated, items: action.items.map((text) => compilePattern(text, actionSyntax)) },
    resource: resource && {
      negated: resource.negated,
      items: resource.items.map((text) => compileResource(text, variables, principal !== undefined)),
    },
    conditions: conditions.map((clause) => compileCondition(clause, variables)),
  };
}

/** @param isOwn the policy is the resource's own: it names itself, wherever the caller comes from */
function compileResource(text: string, variables: boolean, isOwn: boolean): ResourcePattern {
  const arn = compileArnPattern(text, variables);
  if (arn.kind !== "parts" || arn.service !== "s3" || arn.account.kind !== "exact" || arn.account.text !== "") {
    return { arn, plainName: false };
  }
  return { arn: { ...arn, account: { kind: "any" } }, plainName: !isOwn };
}
