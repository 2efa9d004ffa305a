import { type ArnPattern, compileArnPattern } from "./arn-pattern.ts";
import { findConditionKey } from "./condition-keys.ts";
import { type Comparison, type ConditionOperator, conditionOperators } from "./condition-operators.ts";
import { isBase64Value, parseBooleanValue, parseDateValue, parseNumericValue } from "./condition-values.ts";
import { type IpNetwork, parseIpNetwork } from "./ip-network.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import type { ConditionClause, Quantifier } from "./policy-document.ts";

/** How one value of a request is tested: true when it fits any of the policy's values. Plain data. */
export type ValueTest =
  | { readonly kind: "texts"; readonly texts: ReadonlySet<string>; readonly ignoreCase: boolean }
  | { readonly kind: "patterns"; readonly patterns: readonly Pattern[]; readonly ignoreCase: boolean }
  | { readonly kind: "arns"; readonly patterns: readonly ArnPattern[] }
  | {
      readonly kind: "numbers";
      readonly numbers: readonly number[];
      readonly comparison: Comparison;
      readonly isDate: boolean;
    }
  | { readonly kind: "booleans"; readonly wanted: readonly boolean[] }
  | { readonly kind: "base64"; readonly texts: ReadonlySet<string> }
  | { readonly kind: "networks"; readonly networks: readonly IpNetwork[] };

/** One clause of a Condition element, ready to be evaluated; plain data. */
export type CompiledCondition =
  /** `Null`: `absent` says whether it holds without the key, `present` with it. */
  | { readonly kind: "presence"; readonly key: string; readonly absent: boolean; readonly present: boolean }
  | {
      readonly kind: "comparison";
      readonly key: string;
      readonly test: ValueTest;
      readonly negated: boolean;
      readonly quantifier: Quantifier | undefined;
      /** What it is worth when the request has no value. */
      readonly absent: boolean;
    }
  /** Operator, key or value is unknown here. */
  | { readonly kind: "undecided" };

const undecided: CompiledCondition = { kind: "undecided" };

/** Compiles a clause. What the parser would have refused becomes `undecided`. @param variables the version knows them */
export function compileCondition(clause: ConditionClause, variables: boolean): CompiledCondition {
  const operator = conditionOperators.get(clause.operator);
  const key = findConditionKey(clause.key)?.name;
  if (operator === undefined || key === undefined || clause.values.length === 0) return undecided;
  if (operator.family === "null") return compilePresence(key, clause.values);
  const test = compileTest(operator, clause.values, variables);
  if (test === undefined) return undecided;
  const { quantifier, ifExists } = clause;
  const absent = ifExists || quantifier === "ForAllValues" || (quantifier === undefined && operator.negated);
  return { kind: "comparison", key, test, negated: operator.negated, quantifier, absent };
}

function compilePresence(key: string, texts: readonly string[]): CompiledCondition {
  const values = allParsed(texts, parseBooleanValue);
  if (values === undefined) return undecided;
  return { kind: "presence", key, absent: values.includes(true), present: values.includes(false) };
}

function compileTest(
  { family, comparison }: ConditionOperator,
  values: readonly string[],
  variables: boolean,
): ValueTest | undefined {
  switch (family) {
    case "string":
      return compileStrings(comparison, values, variables);
    case "arn":
      return { kind: "arns", patterns: values.map((value) => compileArnPattern(value, variables)) };
    case "numeric":
    case "date": {
      const isDate = family === "date";
      const numbers = allParsed(values, isDate ? parseDateValue : parseNumericValue);
      return numbers && { kind: "numbers", numbers, comparison, isDate };
    }
    case "boolean": {
      const wanted = allParsed(values, parseBooleanValue);
      return wanted && { kind: "booleans", wanted };
    }
    case "binary":
      return values.every(isBase64Value) ? { kind: "base64", texts: new Set(values) } : undefined;
    case "ip": {
      const networks = allParsed(values, parseIpNetwork);
      return networks && { kind: "networks", networks };
    }
    case "null":
      return undefined;
  }
}

function compileStrings(comparison: Comparison, values: readonly string[], variables: boolean): ValueTest {
  const ignoreCase = comparison === "equalsIgnoreCase";
  const syntax = { wildcards: comparison === "like", variables, ignoreCase };
  const patterns = values.map((value) => compilePattern(value, syntax));
  const texts = new Set<string>();
  for (const pattern of patterns) if (pattern.kind === "exact") texts.add(pattern.text);
  if (patterns.every((pattern) => pattern.kind === "exact")) return { kind: "texts", texts, ignoreCase };
  return { kind: "patterns", patterns, ignoreCase };
}

/** Each text parsed; undefined when one of them cannot be. */
function allParsed<Value>(texts: readonly string[], parse: (text: string) => Value | undefined): Value[] | undefined {
  const values: Value[] = [];
  for (const text of texts) {
    const value = parse(text);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}
