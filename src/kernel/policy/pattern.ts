import { findConditionKey } from "./condition-keys.ts";

/** What the server knows about a request, by the catalogue's spelling of condition keys. A Map is one; so is an object that looks values up late. */
export interface ConditionValues {
  /** The value or values of a key; undefined, or an empty list, when the request has none. */
  get(name: string): string | readonly string[] | undefined;
}

/**
 * Whether a text matches. `unresolved`: the text might match, but a variable has neither value nor default, so it does not.
 * `undecided`: the pattern is of a kind unknown here.
 */
export type PatternMatch = boolean | "unresolved" | "undecided";

/** A variable of a pattern. */
interface PatternVariable {
  readonly key: string;
  readonly fallback: string | undefined;
}

/** A part of a pattern between two runs: literal text, exactly one character (null), or a variable. */
type PatternPart = string | null | PatternVariable;

/** What must follow one another without a gap; begins and ends with a literal or a variable. */
type Piece = readonly PatternPart[];

/** A piece without variables: literals with null, one character, between each two. */
type LiteralPiece = readonly (string | null)[];

/** Pieces with any run between each two. */
interface GlobPattern {
  readonly kind: "glob";
  /** What every text begins with: most texts differ there, whatever the variables are. */
  readonly prefix: string;
  readonly pieces: readonly Piece[];
  /** In the order of the pieces. */
  readonly variables: readonly PatternVariable[];
  readonly ignoreCase: boolean;
  /** The values variables had last, and the pieces with them; without variables the pieces for ever. */
  readonly resolved: { texts: string[]; pieces: readonly LiteralPiece[] | undefined };
}

/** A compiled pattern; plain data. */
export type Pattern =
  | { readonly kind: "any" }
  | { readonly kind: "exact"; readonly text: string }
  | { readonly kind: "prefix"; readonly text: string }
  | GlobPattern
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

const specialCharacter = /[*?$]/g;
const variablePattern = /\$\{(?:([*?$])|\s*([^\s,'{}]+)\s*(?:,\s*'([^'{}]*)'\s*)?)\}/y;

/** Says what is wrong with a pattern's variables; undefined when nothing is. */
export function findPatternProblem(text: string, syntax: PatternSyntax): string | undefined {
  const pieces = parsePieces(text, syntax);
  return typeof pieces === "string" ? pieces : undefined;
}

/** Compiles a pattern; one with a faulty variable is `undecided` for ever. */
export function compilePattern(text: string, syntax: PatternSyntax): Pattern {
  const ignoreCase = syntax.ignoreCase === true;
  const pieces = parsePieces(text, syntax);
  if (typeof pieces === "string") return { kind: "undecided" };
  const folded: Piece[] = pieces.map((piece) => piece.map((part) => (ignoreCase ? foldPart(part) : part)));
  const variables = pieces.flat().filter((part) => part !== null && typeof part !== "string");
  const prefix = String(folded[0]?.[0] ?? "");
  const literal = folded.filter(isLiteralPiece);
  const resolved = { texts: [], pieces: variables.length === 0 ? literal : undefined };
  return simplest(folded) ?? { kind: "glob", prefix, pieces: folded, variables, ignoreCase, resolved };
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
    case "glob": {
      if (!text.startsWith(pattern.prefix)) return false;
      const pieces = resolvePieces(pattern, values);
      return pieces === undefined ? "unresolved" : matchGlob(pieces, text);
    }
    case "undecided":
      return "undecided";
  }
}

/** What every text a pattern matches begins with; empty when that is not known. */
export function literalPrefix(pattern: Pattern): string {
  switch (pattern.kind) {
    case "exact":
    case "prefix":
      return pattern.text;
    case "glob":
      return pattern.prefix;
    default:
      return "";
  }
}

/** The pieces of a pattern, or what is wrong with it. */
function parsePieces(text: string, { wildcards, variables }: PatternSyntax): PatternPart[][] | string {
  const pieces: PatternPart[][] = [];
  let piece: PatternPart[] = [];
  let literal = "";
  const add = (part: PatternPart) => {
    // Literals stand on both sides of everything else, empty ones too: matching needs no other case.
    piece.push(literal, part);
    literal = "";
  };
  for (let index = 0; index < text.length; ) {
    const next = findSpecial(text, index);
    literal += text.slice(index, next);
    index = next + 1;
    const character = text[next];
    if (character === "$" && variables && text[index] === "{") {
      variablePattern.lastIndex = next;
      const match = variablePattern.exec(text);
      const found = parseVariable(match);
      if (match === null || (typeof found === "string" && match[1] === undefined)) return String(found);
      if (typeof found === "string") literal += found;
      else add(found);
      index = variablePattern.lastIndex;
    } else if (character === "*" && wildcards) {
      pieces.push([...piece, literal]);
      piece = [];
      literal = "";
    } else if (character === "?" && wildcards) add(null);
    else if (character !== undefined) literal += character;
  }
  pieces.push([...piece, literal]);
  return pieces;
}

/** Where the next character stands that may be special, or the text ends. */
function findSpecial(text: string, from: number): number {
  specialCharacter.lastIndex = from;
  return specialCharacter.exec(text)?.index ?? text.length;
}

/** The variable, the character it escapes, or what is wrong with it. */
function parseVariable(match: RegExpExecArray | null): PatternVariable | string {
  if (match === null) {
    return "A variable is a condition key in braces, optionally followed by a comma and a default in single quotes";
  }
  const [, special, name = "", fallback] = match;
  if (special !== undefined) return special;
  const found = findConditionKey(name);
  if (found === undefined) return `The variable "${name}" is no condition key`;
  if (found.spec.multivalued) return `The variable "${name}" can have several values`;
  return { key: found.name, fallback };
}

function foldPart(part: PatternPart): PatternPart {
  return typeof part === "string" ? part.toLowerCase() : part;
}

/** A quicker form of pieces that are literals alone, where there is one. */
function simplest(pieces: readonly Piece[]): Pattern | undefined {
  const [first = "", second, ...others] = pieces.map((piece) => (piece.length === 1 ? piece[0] : null));
  if (typeof first !== "string") return undefined;
  if (second === undefined) return { kind: "exact", text: first };
  if (second !== "" || others.some((text) => text !== "")) return undefined;
  return first === "" ? { kind: "any" } : { kind: "prefix", text: first };
}

function valueOfVariable({ key, fallback }: PatternVariable, values: ConditionValues): string | undefined {
  const value = values.get(key);
  if (typeof value === "string") return value;
  return value?.length === 1 ? value[0] : fallback;
}

/**
 * The pieces with values in the places of variables; undefined when one has none. A pattern remembers its last values: a policy is
 * mostly asked about the same identity again.
 */
function resolvePieces(pattern: GlobPattern, values: ConditionValues): readonly LiteralPiece[] | undefined {
  const { variables, resolved } = pattern;
  for (let index = 0; index < variables.length; index += 1) {
    const variable = variables[index];
    const text = variable && valueOfVariable(variable, values);
    if (text === undefined) return undefined;
    if (resolved.texts[index] === text) continue;
    resolved.texts[index] = text;
    resolved.pieces = undefined;
  }
  resolved.pieces ??= joinPieces(pattern);
  return resolved.pieces;
}

/** Joins literals and the values of `resolved.texts`, so that the rest of the matching knows texts alone. */
function joinPieces({ pieces, ignoreCase, resolved }: GlobPattern): LiteralPiece[] {
  let next = 0;
  return pieces.map((piece) => {
    const joined: (string | null)[] = [];
    let literal = "";
    for (const part of piece) {
      if (part === null) {
        joined.push(literal, null);
        literal = "";
      } else if (typeof part === "string") literal += part;
      else {
        const text = resolved.texts[next] ?? "";
        literal += ignoreCase ? text.toLowerCase() : text;
        next += 1;
      }
    }
    return [...joined, literal];
  });
}

function isLiteralPiece(piece: Piece): piece is LiteralPiece {
  return piece.every((part) => part === null || typeof part === "string");
}

/**
 * The first piece stands at the start, the last at the end, each other one at its first place after the one before: no other
 * choice can leave more room. At most text x pattern steps.
 */
function matchGlob(pieces: readonly LiteralPiece[], text: string): boolean {
  let from = matchPieceAt(pieces[0] ?? [], text, 0);
  if (from < 0 || pieces.length === 1) return from === text.length;
  const lastStart = matchPieceAtEnd(pieces.at(-1) ?? [], text);
  for (let index = 1; index < pieces.length - 1 && from <= lastStart; index += 1) {
    from = findPiece(pieces[index] ?? [], text, from);
    if (from < 0) return false;
  }
  return from <= lastStart;
}

/** Where the first occurrence of a piece ends, or -1. */
function findPiece(piece: LiteralPiece, text: string, from: number): number {
  const literal = piece[0] ?? "";
  if (piece.length === 1) {
    const start = text.indexOf(literal, from);
    return start < 0 ? -1 : start + literal.length;
  }
  for (let start = text.indexOf(literal, from); start >= 0; start = text.indexOf(literal, start + 1)) {
    const end = matchPieceAt(piece, text, start);
    if (end >= 0) return end;
    if (start === text.length) break;
  }
  return -1;
}

/** Where a piece that begins at `start` ends, or -1. */
function matchPieceAt(piece: LiteralPiece, text: string, start: number): number {
  let at = start;
  for (let index = 0; index < piece.length; index += 1) {
    const literal = piece[index] ?? null;
    if (literal === null) {
      if (at >= text.length) return -1;
      at += isPairAt(text, at) ? 2 : 1;
      continue;
    }
    if (literal !== "" && !text.startsWith(literal, at)) return -1;
    at += literal.length;
  }
  return at;
}

/** Where a piece that ends with the text begins, or -1. */
function matchPieceAtEnd(piece: LiteralPiece, text: string): number {
  let at = text.length;
  for (let index = piece.length - 1; index >= 0; index -= 1) {
    const literal = piece[index] ?? null;
    if (literal === null) {
      if (at === 0) return -1;
      at -= at > 1 && isPairAt(text, at - 2) ? 2 : 1;
      continue;
    }
    at -= literal.length;
    if (at < 0 || (literal !== "" && !text.startsWith(literal, at))) return -1;
  }
  return at;
}

function isPairAt(text: string, index: number): boolean {
  return (text.codePointAt(index) ?? 0) > 0xffff;
}
