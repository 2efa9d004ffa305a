import { findConditionKey } from "./condition-keys.ts";

/** What the server knows about a request, by the catalogue's spelling of condition keys. A Map is one; so is an object that looks values up late. */
export interface ConditionValues {
  /** The value or values of a key; undefined, or an empty list, when the request has none. */
  get(name: string): string | readonly string[] | undefined;
}

/**
 * Whether a text matches. `unresolved`: a variable has neither value nor default, so the pattern matches nothing.
 * `undecided`: the pattern is of a kind unknown here.
 */
export type PatternMatch = boolean | "unresolved" | "undecided";

/** A part of a pattern: literal text, any run (`*`), any one character (`?`), or a variable. */
type PatternToken =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "run" }
  | { readonly kind: "one" }
  | { readonly kind: "variable"; readonly key: string; readonly fallback: string | undefined };

/** Literals with exactly one character between each two. */
type Piece = readonly string[];

/** A compiled pattern; plain data. The pieces of a `glob` have any run between them. */
export type Pattern =
  | { readonly kind: "any" }
  | { readonly kind: "exact"; readonly text: string }
  | { readonly kind: "prefix"; readonly text: string }
  | { readonly kind: "glob"; readonly pieces: readonly Piece[] }
  | { readonly kind: "template"; readonly tokens: readonly PatternToken[]; readonly ignoreCase: boolean }
  | { readonly kind: "undecided" };

/** Which parts of a pattern's text are special. */
export interface PatternSyntax {
  /** `*` and `?` stand for characters. */
  readonly wildcards: boolean;
  /** `${...}` stands for a value: policies of version 2012-10-17 alone. */
  readonly variables: boolean;
  /** Everything is brought to lower case; texts to match must be already. Default: false. */
  readonly ignoreCase?: boolean;
}

const variable = /\$\{(?:([*?$])|\s*([^\s,'{}]+)\s*(?:,\s*'([^'{}]*)'\s*)?)\}/y;

/** Says what is wrong with a pattern's variables; undefined when nothing is. */
export function findPatternProblem(text: string, syntax: PatternSyntax): string | undefined {
  const tokens = tokenize(text, syntax);
  return typeof tokens === "string" ? tokens : undefined;
}

/** Compiles a pattern; one with a faulty variable is `undecided` for ever. */
export function compilePattern(text: string, syntax: PatternSyntax): Pattern {
  const tokens = tokenize(text, syntax);
  if (typeof tokens === "string") return { kind: "undecided" };
  const ignoreCase = syntax.ignoreCase === true;
  if (tokens.some((token) => token.kind === "variable")) return { kind: "template", tokens, ignoreCase };
  return patternOf(ignoreCase ? tokens.map(foldToken) : tokens);
}

/** Matches a whole text. `?` is one Unicode character; a variable's value is literal, whatever it holds. */
export function matchPattern(pattern: Pattern, text: string, values: ConditionValues): PatternMatch {
  switch (pattern.kind) {
    case "any":
      return true;
    case "exact":
      return pattern.text === text;
    case "prefix":
      return text.startsWith(pattern.text);
    case "glob":
      return matchGlob(pattern.pieces, text);
    case "template": {
      const resolved = resolveTokens(pattern.tokens, values);
      if (resolved === undefined) return "unresolved";
      return matchPattern(patternOf(pattern.ignoreCase ? resolved.map(foldToken) : resolved), text, values);
    }
    case "undecided":
      return "undecided";
  }
}

/** The parts of a pattern, or what is wrong with it. */
function tokenize(text: string, { wildcards, variables }: PatternSyntax): PatternToken[] | string {
  const tokens: PatternToken[] = [];
  let literal = "";
  const add = (token: PatternToken) => {
    if (literal !== "") tokens.push({ kind: "text", text: literal });
    literal = "";
    tokens.push(token);
  };
  for (let index = 0; index < text.length; ) {
    const character = text.charAt(index);
    if (variables && character === "$" && text[index + 1] === "{") {
      variable.lastIndex = index;
      const match = variable.exec(text);
      if (match === null)
        return "A variable is a condition key in braces, optionally followed by a comma and a default in single quotes";
      index += match[0].length;
      const [, special, name = "", fallback] = match;
      if (special !== undefined) {
        literal += special;
        continue;
      }
      const found = findConditionKey(name);
      if (found === undefined) return `The variable "${name}" is no condition key`;
      if (found.spec.multivalued) return `The variable "${name}" can have several values`;
      add({ kind: "variable", key: found.name, fallback });
      continue;
    }
    if (wildcards && character === "*") add({ kind: "run" });
    else if (wildcards && character === "?") add({ kind: "one" });
    else literal += character;
    index += 1;
  }
  if (literal !== "") tokens.push({ kind: "text", text: literal });
  return tokens;
}

function foldToken(token: PatternToken): PatternToken {
  return token.kind === "text" ? { kind: "text", text: token.text.toLowerCase() } : token;
}

function resolveTokens(tokens: readonly PatternToken[], values: ConditionValues): PatternToken[] | undefined {
  const resolved: PatternToken[] = [];
  for (const token of tokens) {
    if (token.kind !== "variable") {
      resolved.push(token);
      continue;
    }
    const text = singleValue(values.get(token.key)) ?? token.fallback;
    if (text === undefined) return undefined;
    resolved.push({ kind: "text", text });
  }
  return resolved;
}

function singleValue(value: string | readonly string[] | undefined): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  return value.length === 1 ? value[0] : undefined;
}

function patternOf(tokens: readonly PatternToken[]): Pattern {
  const pieces: string[][] = [[""]];
  for (const token of tokens) {
    const piece = pieces.at(-1) ?? [];
    if (token.kind === "text") piece.push((piece.pop() ?? "") + token.text);
    else if (token.kind === "one") piece.push("");
    else if (token.kind === "run") pieces.push([""]);
  }
  const literals = pieces.flatMap((piece) => (piece.length === 1 ? piece : []));
  if (literals.length < pieces.length) return { kind: "glob", pieces };
  const [first = "", second] = literals;
  if (second === undefined) return { kind: "exact", text: first };
  if (literals.slice(1).some((text) => text !== "")) return { kind: "glob", pieces };
  return first === "" ? { kind: "any" } : { kind: "prefix", text: first };
}

/**
 * The first piece stands at the start, the last at the end, each other one at its first place after the one before: no other
 * choice can leave more room. At most text x pattern steps.
 */
function matchGlob(pieces: readonly Piece[], text: string): boolean {
  const first = pieces[0] ?? [""];
  const last = pieces.at(-1) ?? [""];
  let from = matchPieceAt(first, text, 0);
  if (from < 0 || pieces.length === 1) return from === text.length;
  for (let index = 1; index < pieces.length - 1; index += 1) {
    from = findPiece(pieces[index] ?? [""], text, from);
    if (from < 0) return false;
  }
  return matchPieceAtEnd(last, text) >= from;
}

/** Where the first occurrence of a piece ends, or -1. */
function findPiece(piece: Piece, text: string, from: number): number {
  const literal = piece[0] ?? "";
  for (let start = text.indexOf(literal, from); start >= 0; start = text.indexOf(literal, start + 1)) {
    const end = matchPieceAt(piece, text, start);
    if (end >= 0) return end;
    if (start === text.length) break;
  }
  return -1;
}

/** Where a piece that begins at `start` ends, or -1. */
function matchPieceAt(piece: Piece, text: string, start: number): number {
  let at = start;
  for (let index = 0; index < piece.length; index += 1) {
    const literal = piece[index] ?? "";
    if (index > 0) {
      if (at >= text.length) return -1;
      at += isPairAt(text, at) ? 2 : 1;
    }
    if (!text.startsWith(literal, at)) return -1;
    at += literal.length;
  }
  return at;
}

/** Where a piece that ends with the text begins, or -1. */
function matchPieceAtEnd(piece: Piece, text: string): number {
  let at = text.length;
  for (let index = piece.length - 1; index >= 0; index -= 1) {
    const literal = piece[index] ?? "";
    at -= literal.length;
    if (at < 0 || !text.startsWith(literal, at)) return -1;
    if (index === 0) return at;
    if (at === 0) return -1;
    at -= at > 1 && isPairAt(text, at - 2) ? 2 : 1;
  }
  return at;
}

function isPairAt(text: string, index: number): boolean {
  return (text.codePointAt(index) ?? 0) > 0xffff;
}
