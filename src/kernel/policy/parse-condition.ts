import { findArnPatternProblem } from "./arn-pattern.ts";
import { type ConditionKeySpec, findConditionKey } from "./condition-keys.ts";
import { type ConditionOperator, conditionOperators } from "./condition-operators.ts";
import { isBase64Value, parseBooleanValue, parseDateValue, parseNumericValue } from "./condition-values.ts";
import { parseIpNetwork } from "./ip-network.ts";
import { findPatternProblem } from "./pattern.ts";
import type { ConditionClause, Quantifier } from "./policy-document.ts";
import { describeNode, type Placed, type ProblemList } from "./problem-list.ts";

/** An operator as a policy writes it, taken apart. */
interface WrittenOperator {
  readonly name: string;
  readonly operator: ConditionOperator;
  readonly quantifier: Quantifier | undefined;
  readonly ifExists: boolean;
}

const writtenOperator = /^(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?$/;

/** Parses a Condition element; what is wrong goes to the list. @param variables the policy's version knows them */
export function parseConditions(condition: Placed, variables: boolean, list: ProblemList): ConditionClause[] {
  const clauses: ConditionClause[] = [];
  for (const [text, keys] of list.members(condition)) {
    const written = parseOperator(text);
    if (typeof written === "string") {
      list.refuse(keys.pointer, written);
      continue;
    }
    const members = list.members(keys);
    if (keys.node.kind === "object" && members.size === 0) list.refuse(keys.pointer, "Expected at least one key");
    const names = new Set<string>();
    for (const [key, values] of members) {
      const clause = parseClause({ key, values, written, variables }, list);
      if (clause === undefined) continue;
      if (names.has(clause.key)) list.refuse(values.pointer, "The key appears twice under its operator");
      names.add(clause.key);
      clauses.push(clause);
    }
  }
  return clauses;
}

/** The parts of an operator, or what is wrong with it. */
function parseOperator(text: string): WrittenOperator | string {
  const match = writtenOperator.exec(text);
  const [, quantifierText, name = "", suffix] = match ?? [];
  const operator = conditionOperators.get(name);
  if (operator === undefined) return `Unknown condition operator "${text}"`;
  const quantifier = quantifierText === "ForAnyValue" || quantifierText === "ForAllValues" ? quantifierText : undefined;
  const ifExists = suffix !== undefined;
  if (operator.family === "null" && (ifExists || quantifier !== undefined)) {
    return "Null asks whether the key exists: it takes neither quantifier nor IfExists";
  }
  return { name, operator, quantifier, ifExists };
}

interface WrittenClause {
  readonly key: string;
  readonly values: Placed;
  readonly written: WrittenOperator;
  readonly variables: boolean;
}

function parseClause(
  { key, values, written, variables }: WrittenClause,
  list: ProblemList,
): ConditionClause | undefined {
  const found = findConditionKey(key);
  if (found === undefined) {
    list.refuse(values.pointer, `Unknown condition key "${key}"`);
    return undefined;
  }
  warnAboutKey(values.pointer, found.spec, { written, list });
  const texts: string[] = [];
  for (const item of list.items(values)) {
    const text = textOf(item);
    if (text === undefined) {
      list.refuse(item.pointer, `Expected a string, a number or a boolean, not ${describeNode(item.node)}`);
    } else if (list.accept(item.pointer, findValueProblem(text, written.operator, variables))) texts.push(text);
  }
  const { quantifier, ifExists, name } = written;
  return { quantifier, operator: name, ifExists, key: found.name, values: texts };
}

function warnAboutKey(
  pointer: string,
  spec: ConditionKeySpec,
  { written, list }: { readonly written: WrittenOperator; readonly list: ProblemList },
): void {
  const { operator, quantifier } = written;
  if (!spec.exists) list.warn(pointer, `The key "${spec.name}" cannot exist here: requests never have it`);
  if (operator.family === "null") return;
  if (spec.multivalued && quantifier === undefined) {
    list.warn(pointer, `"${spec.name}" can have several values: without ForAnyValue or ForAllValues they do not match`);
  }
  if (!spec.multivalued && quantifier === "ForAllValues") {
    list.warn(pointer, `"${spec.name}" has one value at most: ForAllValues also holds when it is missing`);
  }
  if (!suits(spec, operator)) {
    list.warn(pointer, `"${spec.name}" is of type ${spec.type}: ${written.name} cannot compare it as such`);
  }
}

/** Every value can be compared as text; a date also as a number of seconds, where the key gives one. */
function suits({ type, name }: ConditionKeySpec, { family }: ConditionOperator): boolean {
  if (family === "string" || family === type) return true;
  return family === "numeric" && name === "aws:EpochTime";
}

function textOf({ node }: Placed): string | undefined {
  switch (node.kind) {
    case "string":
      return node.value;
    case "number":
      return node.text;
    case "boolean":
      return String(node.value);
    default:
      return undefined;
  }
}

function findValueProblem(
  text: string,
  { family, comparison }: ConditionOperator,
  variables: boolean,
): string | undefined {
  switch (family) {
    case "string":
      return findPatternProblem(text, { wildcards: comparison === "like", variables });
    case "arn":
      return findArnPatternProblem(text, variables);
    case "numeric":
      return parseNumericValue(text) === undefined ? `"${text}" is no number of at most 15 digits` : undefined;
    case "date":
      return parseDateValue(text) === undefined ? `"${text}" is neither an ISO 8601 date nor seconds` : undefined;
    case "boolean":
    case "null":
      return parseBooleanValue(text) === undefined ? `"${text}" is neither true nor false` : undefined;
    case "ip":
      return parseIpNetwork(text) === undefined ? `"${text}" is no address and no range in CIDR form` : undefined;
    case "binary":
      return isBase64Value(text) ? undefined : `"${text}" is not base64`;
  }
}
