import { matchArn, parseArn } from "./arn-pattern.ts";
import type { CompiledCondition, ValueTest } from "./compile-condition.ts";
import type { Comparison } from "./condition-operators.ts";
import { isBase64Value, parseBooleanValue, parseDateValue, parseNumericValue } from "./condition-values.ts";
import { isInNetwork, parseIpAddress } from "./ip-network.ts";
import { type ConditionValues, matchPattern, type PatternMatch } from "./pattern.ts";

/** True, false, or undefined: undecided, because something is unknown or cannot be compared. */
export type Truth = boolean | undefined;

/** Whether a clause of a Condition element holds for the values of a request. */
export function evaluateCondition(condition: CompiledCondition, values: ConditionValues): Truth {
  if (condition.kind === "undecided") return undefined;
  const found = values.get(condition.key);
  const isAbsent = found === undefined || (typeof found !== "string" && found.length === 0);
  if (condition.kind === "presence") return isAbsent ? condition.absent : condition.present;
  if (isAbsent) return condition.absent;
  const { test, negated, quantifier } = condition;
  if (typeof found === "string") return testValue(test, { value: found, negated, values });
  if (quantifier === undefined) {
    // Which of several values counts is nowhere said: they cannot be compared.
    return found.length === 1 ? testValue(test, { value: found[0] ?? "", negated, values }) : undefined;
  }
  // ForAnyValue ends at the first value that satisfies the operator, ForAllValues at the first that does not.
  const last = quantifier === "ForAnyValue";
  let result: Truth = !last;
  for (const value of found) {
    const truth = testValue(test, { value, negated, values });
    if (truth === last) return last;
    if (truth === undefined) result = undefined;
  }
  return result;
}

interface TestedValue {
  readonly value: string;
  readonly negated: boolean;
  /** For variables. */
  readonly values: ConditionValues;
}

/** One value against the policy's: any of them fits, or with `negated` none does. */
function testValue(test: ValueTest, tested: TestedValue): Truth {
  const truth = fitsAny(test, tested);
  return truth === undefined ? undefined : truth !== tested.negated;
}

function fitsAny(test: ValueTest, { value, negated, values }: TestedValue): Truth {
  switch (test.kind) {
    case "texts":
      return test.texts.has(test.ignoreCase ? value.toLowerCase() : value);
    case "patterns": {
      const text = test.ignoreCase ? value.toLowerCase() : value;
      return anyMatch(test.patterns, negated, (pattern) => matchPattern(pattern, text, values));
    }
    case "arns": {
      const arn = parseArn(value);
      if (arn === undefined) return undefined;
      return anyMatch(test.patterns, negated, (pattern) => matchArn(pattern, arn, values));
    }
    case "numbers": {
      const number = test.isDate ? parseDateValue(value) : parseNumericValue(value);
      if (number === undefined) return undefined;
      return test.numbers.some((other) => compare(number, other, test.comparison));
    }
    case "booleans": {
      const truth = parseBooleanValue(value);
      return truth === undefined ? undefined : test.wanted.includes(truth);
    }
    case "base64":
      return isBase64Value(value) ? test.texts.has(value) : undefined;
    case "networks": {
      const address = parseIpAddress(value);
      if (address === undefined) return undefined;
      return test.networks.some((network) => isInNetwork(network, address));
    }
  }
}

/**
 * Whether any pattern of a list matches. A pattern whose variable has no value matches nothing; in a negated list, where that
 * would let everything through, it leaves the list undecided.
 */
function anyMatch<Item>(items: readonly Item[], negated: boolean, match: (item: Item) => PatternMatch): Truth {
  let truth: Truth = false;
  for (const item of items) {
    const found = match(item);
    if (found === true) return true;
    if (found === "undecided" || (found === "unresolved" && negated)) truth = undefined;
  }
  return truth;
}

function compare(left: number, right: number, comparison: Comparison): boolean {
  switch (comparison) {
    case "less":
      return left < right;
    case "lessOrEqual":
      return left <= right;
    case "greater":
      return left > right;
    case "greaterOrEqual":
      return left >= right;
    default:
      return left === right;
  }
}
