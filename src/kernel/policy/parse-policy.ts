import { actionServices, matchesSomeAction } from "./actions.ts";
import { findArnPatternProblem, splitArnPattern } from "./arn-pattern.ts";
import { conditionOperators } from "./condition-operators.ts";
import { parseConditions } from "./parse-condition.ts";
import type {
  Effect,
  Listed,
  PolicyDocument,
  PolicyKind,
  PolicyStatement,
  PolicyVersion,
  PrincipalEntry,
  PrincipalType,
} from "./policy-document.ts";
import { findSizeProblem, maxQuestionMarks } from "./policy-limits.ts";
import { findPrincipalProblem } from "./principal.ts";
import { type Placed, type PlacedText, ProblemList } from "./problem-list.ts";
import { type PolicyProblem, pointerTo, readJson } from "./read-json.ts";

/** Where the policy is to be used. */
export interface PolicyPlace {
  readonly kind: PolicyKind;
  /** Of a bucket policy: it may name this bucket only. */
  readonly bucketName?: string;
}

/** A document, or at least one problem. Warnings name what is legal and most likely not meant. */
export type ParsedPolicy =
  | { readonly kind: "document"; readonly document: PolicyDocument; readonly warnings: readonly PolicyProblem[] }
  | { readonly kind: "problems"; readonly problems: readonly PolicyProblem[] };

interface ParseContext extends PolicyPlace {
  readonly list: ProblemList;
  readonly variables: boolean;
}

const policyElements = ["Version", "Id", "Statement"];
const statementElements = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];
const principalTypes: readonly string[] = ["AWS", "CanonicalUser", "Federated", "Service"] satisfies PrincipalType[];
const identitySid = /^[A-Za-z0-9]*$/;
const actionText = /^([A-Za-z0-9-]+):([A-Za-z0-9*?]+)$/;

/**
 * Parses a policy's text strictly: size, JSON without doubled names, the whole grammar, every name known. Never throws; linear
 * in the length of the text.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function parsePolicy(text: string, place: PolicyPlace): ParsedPolicy {
  const tooLong = findSizeProblem(text, place.kind);
  if (tooLong !== undefined) return { kind: "problems", problems: [{ pointer: "", message: tooLong }] };
  const node = readJson(text);
  if (node.kind === "problem") return { kind: "problems", problems: [node.problem] };
  const list = new ProblemList();
  const document = parseDocument({ pointer: "", node }, place, list);
  checkQuestionMarks(document, list);
  if (list.problems.length > 0) return { kind: "problems", problems: list.problems };
  return { kind: "document", document, warnings: list.warnings };
}

function parseDocument(placed: Placed, place: PolicyPlace, list: ProblemList): PolicyDocument {
  const members = list.members(placed, policyElements);
  const version = parseVersion(members.get("Version"), list);
  const id = members.get("Id");
  const statement = members.get("Statement");
  if (statement === undefined) list.refuse("", "Statement is missing");
  const context = { ...place, list, variables: version === "2012-10-17" };
  const places = statement === undefined ? [] : list.items(statement);
  const statements = places.map((item) => parseStatement(item, context));
  checkSids(places, statements, context);
  return { version, id: id === undefined ? undefined : list.text(id), statements };
}

function parseVersion(placed: Placed | undefined, list: ProblemList): PolicyVersion {
  if (placed === undefined) return "2008-10-17";
  const text = list.text(placed);
  if (text === "2012-10-17" || text === "2008-10-17") return text;
  if (text !== undefined) list.refuse(placed.pointer, `Version is 2012-10-17 or 2008-10-17, not "${text}"`);
  return "2008-10-17";
}

function parseStatement(placed: Placed, context: ParseContext): PolicyStatement {
  const { list } = context;
  const members = list.members(placed, statementElements);
  const sid = members.get("Sid");
  const effect = parseEffect(placed, members, list);
  const action = takePair("Action", { placed, members, list });
  const resource = takePair("Resource", { placed, members, list });
  const principal = takePair("Principal", { placed, members, list });
  const isTrust = context.kind === "trust";
  const namesPrincipals = isTrust || context.kind === "bucket";
  if (action === undefined) list.refuse(placed.pointer, "Action or NotAction is missing");
  if (resource === undefined && !isTrust) list.refuse(placed.pointer, "Resource or NotResource is missing");
  if (resource !== undefined && isTrust)
    list.refuse(resource.pointer, "A trust policy takes no resource: it is the role");
  if (principal === undefined && namesPrincipals) list.refuse(placed.pointer, "Principal is missing");
  if (principal !== undefined && !namesPrincipals) {
    list.refuse(principal.pointer, "Only bucket and trust policies name principals: here it is the identity");
  }
  const condition = members.get("Condition");
  return {
    sid: sid === undefined ? undefined : list.text(sid),
    effect,
    principal: principal === undefined ? undefined : parsePrincipal(principal, effect, context),
    action: parseActions(action, context),
    resource: resource === undefined ? undefined : parseResources(resource, context),
    conditions: condition === undefined ? [] : parseConditions(condition, context.variables, list),
  };
}

interface Pair extends Placed {
  readonly negated: boolean;
}

interface Surroundings {
  readonly placed: Placed;
  readonly members: ReadonlyMap<string, Placed>;
  readonly list: ProblemList;
}

/** The element of that name, or its opposite; both are a problem. */
function takePair(name: string, { placed, members, list }: Surroundings): Pair | undefined {
  const plain = members.get(name);
  const opposite = members.get(`Not${name}`);
  if (plain !== undefined && opposite !== undefined) {
    list.refuse(placed.pointer, `${name} and Not${name} exclude each other`);
  }
  if (opposite !== undefined) return { ...opposite, negated: true };
  return plain === undefined ? undefined : { ...plain, negated: false };
}

function parseEffect(placed: Placed, members: ReadonlyMap<string, Placed>, list: ProblemList): Effect {
  const effect = members.get("Effect");
  if (effect === undefined) list.refuse(placed.pointer, "Effect is missing");
  const text = effect === undefined ? undefined : list.text(effect);
  if (text === "Allow" || text === "Deny") return text;
  if (effect !== undefined && text !== undefined) list.refuse(effect.pointer, `Effect is Allow or Deny, not "${text}"`);
  return "Deny";
}

function parsePrincipal(pair: Pair, effect: Effect, context: ParseContext): Listed<PrincipalEntry> {
  const { list } = context;
  if (pair.negated && (effect === "Allow" || context.kind !== "bucket")) {
    list.refuse(pair.pointer, "NotPrincipal goes with Deny in bucket policies alone");
  }
  if (pair.node.kind === "string") {
    if (pair.node.value !== "*") list.refuse(pair.pointer, `Expected * or an object, not "${pair.node.value}"`);
    return { negated: pair.negated, items: [{ type: "AWS", value: "*" }] };
  }
  const members = list.members(pair, principalTypes);
  if (pair.node.kind === "object" && pair.node.members.length === 0)
    list.refuse(pair.pointer, "Expected at least one principal");
  const items: PrincipalEntry[] = [];
  for (const [name, values] of members) {
    for (const { pointer, text } of list.texts(values)) {
      const entry: PrincipalEntry = { type: principalTypeNamed(name), value: text };
      if (list.accept(pointer, findPrincipalProblem(entry))) items.push(entry);
    }
  }
  return { negated: pair.negated, items };
}

function principalTypeNamed(name: string): PrincipalType {
  return name === "CanonicalUser" || name === "Federated" || name === "Service" ? name : "AWS";
}

function parseActions(pair: Pair | undefined, context: ParseContext): Listed<string> {
  const texts = pair === undefined ? [] : context.list.texts(pair);
  for (const { pointer, text } of texts) checkAction(pointer, text, context);
  return { negated: pair?.negated ?? false, items: texts.map(({ text }) => text) };
}

function checkAction(pointer: string, text: string, { kind, list }: ParseContext): void {
  if (text === "*") return;
  const match = actionText.exec(text);
  const service = (match?.[1] ?? "").toLowerCase();
  if (match === null) list.refuse(pointer, `"${text}" is neither * nor service:action`);
  else if (!actionServices.has(service)) list.refuse(pointer, `Unknown service "${service}"`);
  else if (kind === "bucket" && service !== "s3") list.refuse(pointer, "A bucket policy is about actions of s3 alone");
  else if (kind === "trust" && service !== "sts") list.refuse(pointer, "A trust policy is about actions of sts alone");
  else if (!matchesSomeAction(text)) list.warn(pointer, `"${text}" is no action known here`);
}

function parseResources(pair: Pair, context: ParseContext): Listed<string> {
  const texts = context.list.texts(pair);
  for (const placed of texts) {
    const problem = findArnPatternProblem(placed.text, context.variables) ?? findResourceProblem(placed, context);
    context.list.accept(placed.pointer, problem);
  }
  return { negated: pair.negated, items: texts.map(({ text }) => text) };
}

function findResourceProblem({ text }: PlacedText, { kind, bucketName, variables }: ParseContext): string | undefined {
  const arn = splitArnPattern(text, variables);
  if (arn !== undefined && !actionServices.has(arn.service)) return `Unknown service "${arn.service}"`;
  if (arn !== undefined && !/[*?$]/.test(arn.partition) && arn.partition !== "aws") {
    return `Unknown partition "${arn.partition}"`;
  }
  if (kind !== "bucket" || bucketName === undefined) return undefined;
  const literal = arn?.path.split(/[*?]|\$\{/, 1)[0] ?? "";
  const isOwn = arn?.service === "s3" && (literal === bucketName || literal.startsWith(`${bucketName}/`));
  return isOwn ? undefined : `A bucket policy names its own bucket, arn:aws:s3:::${bucketName}, and its objects`;
}

/** Sids tell statements apart in decisions; S3 takes any text, IAM letters and digits. */
function checkSids(
  places: readonly Placed[],
  statements: readonly PolicyStatement[],
  { kind, list }: ParseContext,
): void {
  const seen = new Set<string>();
  for (const [index, { sid }] of statements.entries()) {
    const pointer = pointerTo(places[index]?.pointer ?? "", "Sid");
    if (sid === undefined || sid === "") continue;
    if (kind !== "bucket" && !identitySid.test(sid)) list.refuse(pointer, "A Sid has letters and digits alone");
    if (seen.has(sid)) list.refuse(pointer, `The Sid "${sid}" appears twice`);
    seen.add(sid);
  }
}

/** Bounds the work of matching: each `?` costs a step at every place of the text it is tried at. */
function checkQuestionMarks(document: PolicyDocument, list: ProblemList): void {
  let count = 0;
  const add = (texts: readonly string[]) => {
    for (const text of texts) count += text.split("?").length - 1;
  };
  for (const { action, resource, conditions } of document.statements) {
    add(action.items);
    add(resource?.items ?? []);
    for (const { operator, values } of conditions) {
      if (conditionOperators.get(operator)?.comparison === "like") add(values);
    }
  }
  if (count > maxQuestionMarks)
    list.refuse("", `The patterns have ${count} question marks, at most ${maxQuestionMarks}`);
}
