import { parseIpNetwork } from "./ip-network.ts";
import type { ConditionClause, PolicyDocument, PolicyStatement } from "./policy-document.ts";

/** Keys whose fixed value ties a request to somebody known. */
const tyingKeys: ReadonlySet<string> = new Set([
  "aws:PrincipalAccount",
  "aws:PrincipalArn",
  "aws:PrincipalOrgID",
  "aws:SourceAccount",
  "aws:SourceArn",
  "aws:SourceOwner",
  "aws:SourceVpc",
  "aws:SourceVpce",
  "aws:userid",
  "s3:DataAccessPointAccount",
  "s3:DataAccessPointArn",
]);

const tyingOperators: ReadonlySet<string> = new Set([
  "StringEquals",
  "StringEqualsIgnoreCase",
  "StringLike",
  "ArnEquals",
  "ArnLike",
]);

/** Bits a range of source addresses must fix to be a restriction, by the words of an address. */
const leastBits: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [4, 32],
]);

/**
 * Whether a bucket policy is public: it lets everyone in without a condition that ties the request to fixed principals,
 * accounts, sources or addresses.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html, "The meaning of
 * public".
 */
export function isPublicPolicy({ statements }: PolicyDocument): boolean {
  return statements.some((statement) => statement.effect === "Allow" && isForEveryone(statement) && !isTied(statement));
}

function isForEveryone({ principal }: PolicyStatement): boolean {
  if (principal === undefined) return false;
  return principal.negated || principal.items.some((entry) => entry.value === "*");
}

function isTied({ conditions }: PolicyStatement): boolean {
  return conditions.some((clause) => !clause.ifExists && clause.quantifier !== "ForAllValues" && ties(clause));
}

function ties({ operator, key, values }: ConditionClause): boolean {
  if (key === "aws:SourceIp") return operator === "IpAddress" && values.every(isNarrowRange);
  return tyingKeys.has(key) && tyingOperators.has(operator) && values.every((value) => !/[*?]|\$\{/.test(value));
}

function isNarrowRange(text: string): boolean {
  const network = parseIpNetwork(text);
  return network !== undefined && network.bits >= (leastBits.get(network.words.length) ?? 128);
}
