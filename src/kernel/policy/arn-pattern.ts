import {
  type ConditionValues,
  compilePattern,
  findPatternProblem,
  matchPattern,
  type Pattern,
  type PatternMatch,
} from "./pattern.ts";

/** An Amazon resource name, split at its first five colons. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  /** The rest, colons included; of S3 a bucket, or a bucket, a slash and a key. */
  readonly path: string;
}

/** A compiled pattern of ARNs: everything, or one pattern a part. */
export type ArnPattern =
  | { readonly kind: "any" }
  | { readonly kind: "undecided" }
  | {
      readonly kind: "parts";
      readonly partition: Pattern;
      /** Without wildcard. */
      readonly service: string;
      readonly region: Pattern;
      readonly account: Pattern;
      readonly path: Pattern;
    };

/** The parts of an ARN's text, or of a pattern's. */
interface ArnTexts extends Arn {
  readonly scheme: string;
}

const serviceName = /^[a-z0-9-]+$/;

/** Splits an ARN; undefined when the text is none. */
export function parseArn(text: string): Arn | undefined {
  const parts = splitArn(text, false);
  return parts?.scheme === "arn" && parts.service !== "" ? parts : undefined;
}

/** The parts of a pattern as text: colons inside `${...}` separate nothing. Undefined when there are fewer than six. */
export function splitArnPattern(text: string, variables: boolean): Arn | undefined {
  const parts = splitArn(text, variables);
  return parts?.scheme === "arn" ? parts : undefined;
}

/** Says what is wrong with a pattern of ARNs; undefined when nothing is. `*` alone matches every ARN. */
export function findArnPatternProblem(text: string, variables: boolean): string | undefined {
  if (text === "*") return undefined;
  const parts = splitArnPattern(text, variables);
  if (parts === undefined) return `"${text}" is neither * nor an ARN with six parts`;
  if (!serviceName.test(parts.service)) return `"${text}" names no service: its third part takes no wildcard`;
  return findPatternProblem(text, { wildcards: true, variables });
}

/** Compiles a pattern of ARNs; a faulty one is `undecided` for ever. */
export function compileArnPattern(text: string, variables: boolean): ArnPattern {
  if (text === "*") return { kind: "any" };
  const parts = splitArnPattern(text, variables);
  if (parts === undefined || !serviceName.test(parts.service)) return { kind: "undecided" };
  const compile = (part: string) => compilePattern(part, { wildcards: true, variables });
  return {
    kind: "parts",
    partition: compile(parts.partition),
    service: parts.service,
    region: compile(parts.region),
    account: compile(parts.account),
    path: compile(parts.path),
  };
}

/** Matches part by part, bytewise. */
export function matchArn(pattern: ArnPattern, arn: Arn, values: ConditionValues): PatternMatch {
  if (pattern.kind !== "parts") return pattern.kind === "any" ? true : "undecided";
  if (pattern.service !== arn.service) return false;
  const path = matchPattern(pattern.path, arn.path, values);
  if (path === false) return false;
  const account = matchPattern(pattern.account, arn.account, values);
  if (account === false) return false;
  const region = matchPattern(pattern.region, arn.region, values);
  if (region === false) return false;
  const partition = matchPattern(pattern.partition, arn.partition, values);
  if (partition === false) return false;
  if (path === true && account === true && region === true && partition === true) return true;
  const isUnresolved =
    path === "unresolved" || account === "unresolved" || region === "unresolved" || partition === "unresolved";
  return isUnresolved ? "unresolved" : "undecided";
}

function splitArn(text: string, variables: boolean): ArnTexts | undefined {
  const parts: string[] = [];
  let start = 0;
  let inVariable = false;
  for (let index = 0; index < text.length && parts.length < 5; index += 1) {
    const character = text[index];
    if (variables && character === "$" && text[index + 1] === "{") inVariable = true;
    else if (character === "}") inVariable = false;
    else if (character === ":" && !inVariable) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  const [scheme, partition, service, region, account] = parts;
  if (scheme === undefined || partition === undefined || service === undefined) return undefined;
  if (region === undefined || account === undefined) return undefined;
  return { scheme, partition, service, region, account, path: text.slice(start) };
}
