/**
 * A slow evaluator of policies, written from the published rules and from nothing else: it reads the JSON of a policy each
 * time, knows no compiled form and shares no code with the real one. Tests hold the real one to it.
 * Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
 * reference_policies_elements_condition_operators.html, reference_policies_condition-single-vs-multi-valued-context-keys.html
 */

/** One or many. */
type Many<Item> = Item | readonly Item[];

/** A statement as its JSON has it. */
export interface JsonStatement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | { readonly AWS: Many<string> };
  readonly NotPrincipal?: { readonly AWS: Many<string> };
  readonly Action?: Many<string>;
  readonly NotAction?: Many<string>;
  readonly Resource?: Many<string>;
  readonly NotResource?: Many<string>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Many<string>>>>>;
}

/** A policy as its JSON has it. */
export interface JsonPolicy {
  readonly Version?: "2012-10-17" | "2008-10-17";
  readonly Statement: readonly JsonStatement[];
}

/** A request by a user, or by nobody (`user` undefined). */
export interface ReferenceRequest {
  readonly action: string;
  /** The S3 resource's ARN as policies without account write it. */
  readonly resource: string;
  /** Of the bucket's owner. */
  readonly ownerAccount: string;
  readonly user: { readonly arn: string; readonly account: string } | undefined;
  readonly context: ReadonlyMap<string, string | readonly string[]>;
}

/** The policies that speak about it. */
export interface ReferenceSets {
  /** Each link is a list of policies that count together. */
  readonly narrowing: readonly (readonly JsonPolicy[])[];
  readonly identity: readonly JsonPolicy[];
  readonly bucket: JsonPolicy | undefined;
}

type Truth = true | false | "undecided";

/** The decision. */
export function referenceDecision(
  request: ReferenceRequest,
  sets: ReferenceSets,
): "allow" | "explicitDeny" | "implicitDeny" {
  const bucket = sets.bucket === undefined ? [] : [sets.bucket];
  const all = [...sets.narrowing.flat(), ...sets.identity, ...bucket];
  if (all.some((policy) => matching(policy, "Deny", request).length > 0)) return "explicitDeny";
  const grants = (policies: readonly JsonPolicy[]) => policies.flatMap((policy) => matching(policy, "Allow", request));
  for (const link of sets.narrowing) if (grants(link).length === 0) return "implicitDeny";
  const byBucket = grants(bucket);
  if (request.user === undefined) return byBucket.length > 0 ? "allow" : "implicitDeny";
  const byIdentity = grants(sets.identity).length > 0;
  if (request.user.account !== request.ownerAccount)
    return byIdentity && byBucket.length > 0 ? "allow" : "implicitDeny";
  const names = byBucket.filter((statement) => namesUser(statement, request.user?.arn ?? ""));
  return byIdentity || names.length > 0 ? "allow" : "implicitDeny";
}

function matching(policy: JsonPolicy, effect: "Allow" | "Deny", request: ReferenceRequest): JsonStatement[] {
  const variables = policy.Version === "2012-10-17";
  return policy.Statement.filter((statement) => {
    if (statement.Effect !== effect) return false;
    const truth = and([
      principalTruth(statement, request),
      actionTruth(statement, request),
      resourceTruth(statement, variables, request),
      ...conditionTruths(statement, variables, request),
    ]);
    return effect === "Deny" ? truth !== false : truth === true;
  });
}

function and(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes("undecided") ? "undecided" : true;
}

function or(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes("undecided") ? "undecided" : false;
}

function not(truth: Truth): Truth {
  return truth === "undecided" ? truth : !truth;
}

function many<Item>(value: Many<Item> | undefined): readonly Item[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as Item];
}

function namesUser({ Principal }: JsonStatement, arn: string): boolean {
  return Principal === "*" || many(Principal?.AWS).some((value) => value === "*" || value === arn);
}

function principalTruth(statement: JsonStatement, { user }: ReferenceRequest): Truth {
  const { Principal, NotPrincipal } = statement;
  const isAccount = (value: string) =>
    user !== undefined && (value === user.account || value === `arn:aws:iam::${user.account}:root`);
  if (NotPrincipal !== undefined) {
    const values = many(NotPrincipal.AWS);
    return !(values.includes("*") || (values.some(isAccount) && values.includes(user?.arn ?? "nobody")));
  }
  if (Principal === undefined) return true;
  return namesUser(statement, user?.arn ?? "nobody") || (Principal !== "*" && many(Principal.AWS).some(isAccount));
}

function actionTruth({ Action, NotAction }: JsonStatement, { action }: ReferenceRequest): Truth {
  const fits = (pattern: string) => globExpression(literalParts(pattern), "i").test(action);
  return NotAction === undefined ? many(Action).some(fits) : !many(NotAction).some(fits);
}

function resourceTruth({ Resource, NotResource }: JsonStatement, variables: boolean, request: ReferenceRequest): Truth {
  const fits = (pattern: string): Truth | "unresolved" =>
    arnFits(pattern, request.resource, variables ? request.context : undefined);
  if (NotResource !== undefined) {
    return not(
      or(many(NotResource).map((pattern) => (fits(pattern) === "unresolved" ? "undecided" : (fits(pattern) as Truth)))),
    );
  }
  return or(many(Resource).map((pattern) => (fits(pattern) === "unresolved" ? false : (fits(pattern) as Truth))));
}

type Context = ReadonlyMap<string, string | readonly string[]> | undefined;

function arnFits(pattern: string, arn: string, context: Context): boolean | "unresolved" {
  if (pattern === "*") return true;
  // A variable holds colons of its own: put it aside while the pattern is split.
  const aside: string[] = [];
  const marked =
    context === undefined ? pattern : pattern.replace(/\$\{[^}]*\}/g, (text) => `\0${aside.push(text) - 1}\0`);
  const back = (text: string) => text.replace(/\0(\d+)\0/g, (_, index) => aside[Number(index)] ?? "");
  const wanted = sixParts(marked).map(back);
  const seen = sixParts(arn);
  const fits = wanted.map((part, index) => {
    const resolved = resolve(part, context);
    if (resolved !== undefined) return globExpression(resolved, "").test(seen[index] ?? "");
    return (seen[index] ?? "").startsWith(textBefore(part, /\$\{|[*?]/)) && "unresolved";
  });
  if (fits.includes(false)) return false;
  return fits.includes("unresolved") ? "unresolved" : true;
}

/** What a pattern begins with, whatever its variables are. */
function textBefore(pattern: string, special: RegExp): string {
  return pattern.split(special, 1)[0] ?? "";
}

function sixParts(text: string): string[] {
  const parts = text.split(":");
  return [...parts.slice(0, 5), parts.slice(5).join(":")];
}

/** Literal text (true) or text whose wildcards count (false). */
type Part = readonly [text: string, isLiteral: boolean];

function literalParts(pattern: string): Part[] {
  return [[pattern, false]];
}

function resolve(text: string, context: Context): Part[] | undefined {
  if (context === undefined) return literalParts(text);
  const parts: Part[] = [];
  for (const piece of text.split(/(\$\{[^}]*\})/)) {
    const inner = /^\$\{([^,]*?)(?:,\s*'([^']*)')?\}$/.exec(piece);
    if (inner === null) {
      parts.push([piece, false]);
      continue;
    }
    const [, name = "", fallback] = inner;
    const value = ["*", "?", "$"].includes(name) ? name : (context.get(name) ?? fallback);
    if (typeof value !== "string") return undefined;
    parts.push([value, true]);
  }
  return parts;
}

function globExpression(parts: readonly Part[], flags: string): RegExp {
  const quote = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
  const wildcard = (text: string) => quote(text).replaceAll("\\u{2a}", ".*").replaceAll("\\u{3f}", ".");
  const source = parts.map(([text, isLiteral]) => (isLiteral ? quote(text) : wildcard(text)));
  return new RegExp(`^${source.join("")}$`, `su${flags}`);
}

function conditionTruths({ Condition }: JsonStatement, variables: boolean, request: ReferenceRequest): Truth[] {
  return Object.entries(Condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) =>
      clauseTruth({ operator, key, wanted: many(values), context: request.context, variables }),
    ),
  );
}

interface Clause {
  readonly operator: string;
  readonly key: string;
  readonly wanted: readonly string[];
  readonly context: ReadonlyMap<string, string | readonly string[]>;
  readonly variables: boolean;
}

function clauseTruth({ operator, key, wanted, context, variables }: Clause): Truth {
  const seen = many(context.get(key));
  if (operator === "Null") return wanted.some((value) => (value === "true") === (seen.length === 0));
  const ifExists = operator.endsWith("IfExists");
  if (seen.length === 0 && ifExists) return true;
  const [quantifier, named] = operator.includes(":") ? (operator.split(":") as [string, string]) : ["", operator];
  const name = ifExists ? named.slice(0, -"IfExists".length) : named;
  const negated = name.includes("Not");
  const positive = name.replace("Not", "");
  const one = (value: string): Truth => {
    const truths = wanted.map((text): Truth => {
      const truth = compare(positive, { seen: value, wanted: text, context: variables ? context : undefined });
      if (truth !== "unresolved") return truth;
      return negated ? "undecided" : false;
    });
    return negated ? not(or(truths)) : or(truths);
  };
  if (quantifier === "ForAllValues") return and(seen.map(one));
  if (quantifier === "ForAnyValue") return or(seen.map(one));
  if (seen.length === 0) return negated;
  return seen.length === 1 ? one(seen[0] ?? "") : "undecided";
}

interface Pair {
  readonly seen: string;
  readonly wanted: string;
  readonly context: Context;
}

function compare(operator: string, { seen, wanted, context }: Pair): Truth | "unresolved" {
  if (operator.startsWith("Numeric")) return order(operator.slice(7), [numberOf(seen), numberOf(wanted)]);
  if (operator.startsWith("Date")) return order(operator.slice(4), [timeOf(seen), timeOf(wanted)]);
  if (operator === "IpAddress") return inRange(seen, wanted);
  if (operator === "Bool")
    return /^(true|false)$/i.test(seen) ? seen.toLowerCase() === wanted.toLowerCase() : "undecided";
  if (operator === "BinaryEquals") return seen === wanted;
  if (operator.startsWith("Arn")) return seen.split(":").length < 6 ? "undecided" : arnFits(wanted, seen, context);
  const parts = resolve(wanted, context);
  if (parts === undefined) {
    const fold = (text: string) => (operator === "StringEqualsIgnoreCase" ? text.toLowerCase() : text);
    const begin = textBefore(wanted, operator === "StringLike" ? /\$\{|[*?]/ : /\$\{/);
    return fold(seen).startsWith(fold(begin)) && "unresolved";
  }
  if (operator === "StringLike") return globExpression(parts, "").test(seen);
  const text = parts.map(([part]) => part).join("");
  return operator === "StringEqualsIgnoreCase" ? text.toLowerCase() === seen.toLowerCase() : text === seen;
}

function order(relation: string, [left, right]: readonly [number, number]): Truth {
  if (Number.isNaN(left) || Number.isNaN(right)) return "undecided";
  switch (relation) {
    case "Equals":
      return left === right;
    case "LessThan":
      return left < right;
    case "LessThanEquals":
      return left <= right;
    case "GreaterThan":
      return left > right;
    default:
      return left >= right;
  }
}

function numberOf(text: string): number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

function timeOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

function inRange(address: string, range: string): Truth {
  const [network = "", bits = "32"] = range.split("/");
  const bitsOf = (text: string) =>
    text
      .split(".")
      .map((byte) => Number(byte).toString(2).padStart(8, "0"))
      .join("");
  if (!/^(\d+\.){3}\d+$/.test(address)) return "undecided";
  return bitsOf(address).slice(0, Number(bits)) === bitsOf(network).slice(0, Number(bits));
}
