/** What an operator compares: decides which values it takes and which keys it suits. */
export type OperatorFamily = "string" | "numeric" | "date" | "boolean" | "binary" | "ip" | "arn" | "null";

/** How two values of a family are compared. */
export type Comparison = "equals" | "equalsIgnoreCase" | "like" | "less" | "lessOrEqual" | "greater" | "greaterOrEqual";

/** One operator, without quantifier and suffix. */
export interface ConditionOperator {
  readonly family: OperatorFamily;
  readonly comparison: Comparison;
  /** True for the operators that hold when none of the values does. */
  readonly negated: boolean;
}

function operator(family: OperatorFamily, comparison: Comparison, negated = false): ConditionOperator {
  return { family, comparison, negated };
}

/**
 * Every operator by its name.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export const conditionOperators: ReadonlyMap<string, ConditionOperator> = new Map([
  ["StringEquals", operator("string", "equals")],
  ["StringNotEquals", operator("string", "equals", true)],
  ["StringEqualsIgnoreCase", operator("string", "equalsIgnoreCase")],
  ["StringNotEqualsIgnoreCase", operator("string", "equalsIgnoreCase", true)],
  ["StringLike", operator("string", "like")],
  ["StringNotLike", operator("string", "like", true)],
  ["NumericEquals", operator("numeric", "equals")],
  ["NumericNotEquals", operator("numeric", "equals", true)],
  ["NumericLessThan", operator("numeric", "less")],
  ["NumericLessThanEquals", operator("numeric", "lessOrEqual")],
  ["NumericGreaterThan", operator("numeric", "greater")],
  ["NumericGreaterThanEquals", operator("numeric", "greaterOrEqual")],
  ["DateEquals", operator("date", "equals")],
  ["DateNotEquals", operator("date", "equals", true)],
  ["DateLessThan", operator("date", "less")],
  ["DateLessThanEquals", operator("date", "lessOrEqual")],
  ["DateGreaterThan", operator("date", "greater")],
  ["DateGreaterThanEquals", operator("date", "greaterOrEqual")],
  ["Bool", operator("boolean", "equals")],
  ["BinaryEquals", operator("binary", "equals")],
  ["IpAddress", operator("ip", "equals")],
  ["NotIpAddress", operator("ip", "equals", true)],
  // Source: the same page: "ArnEquals and ArnLike behave identically".
  ["ArnEquals", operator("arn", "like")],
  ["ArnLike", operator("arn", "like")],
  ["ArnNotEquals", operator("arn", "like", true)],
  ["ArnNotLike", operator("arn", "like", true)],
  ["Null", operator("null", "equals")],
]);
