/** What is wrong with a document, and where. */
export interface PolicyProblem {
  /** JSON pointer of the value; empty for the whole document. Source: RFC 6901. */
  readonly pointer: string;
  /** What was seen and what is wanted; no final full stop. */
  readonly message: string;
}

/** One member of an object, in the order of the text. */
export interface JsonMember {
  readonly name: string;
  readonly value: JsonNode;
}

/** A JSON value. Objects are lists of members, so that no name is special; numbers keep their text. */
export type JsonNode =
  | { readonly kind: "object"; readonly members: readonly JsonMember[] }
  | { readonly kind: "array"; readonly items: readonly JsonNode[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "null" };

/** Nested values a document may have; a policy needs six. */
export const maxJsonDepth = 8;

const whiteSpace = /[\t\n\r ]*/y;
/** Characters of a string as they may stand in the text. Source: the pattern of `policyDocument` in the IAM API reference. */
const plainCharacters = /[\x20\x21\x23-\x5b\x5d-\xff]*/y;
const numberText = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const hexDigits = /[0-9a-fA-F]{4}/y;
const forbiddenCharacter = /[\x00-\x08\x0b\x0c\x0e-\x1f]/;
const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/**
 * Reads JSON as policies want it: no name twice in an object, at most `maxJsonDepth` levels, only the characters AWS lets
 * into a policy's text (U+0009, A, D, 20 to FF; others as `\u` escapes, but no control character and no half of a surrogate
 * pair). Time and memory are linear in the text's length; bound that first. @returns the value, or the first problem
 */
export function readJson(text: string): JsonNode | { readonly kind: "problem"; readonly problem: PolicyProblem } {
  const reader = new JsonReader(text);
  try {
    return reader.readDocument();
  } catch (error) {
    if (error instanceof JsonError) return { kind: "problem", problem: error.problem };
    throw error;
  }
}

/** The pointer of a member or an item below `pointer`. Source: RFC 6901 section 3. */
export function pointerTo(pointer: string, name: string | number): string {
  return `${pointer}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

class JsonError extends Error {
  override readonly name = "JsonError";
  readonly problem: PolicyProblem;

  constructor(problem: PolicyProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

class JsonReader {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): JsonNode {
    const node = this.#readValue("", 1);
    this.#skipWhiteSpace();
    if (this.#offset < this.#text.length) throw this.#fail("", "Expected nothing after the document");
    return node;
  }

  #readValue(pointer: string, depth: number): JsonNode {
    if (depth > maxJsonDepth) throw this.#fail(pointer, `Nested deeper than ${maxJsonDepth} levels`);
    this.#skipWhiteSpace();
    const first = this.#text[this.#offset];
    if (first === "{") return this.#readObject(pointer, depth);
    if (first === "[") return this.#readArray(pointer, depth);
    if (first === '"') return { kind: "string", value: this.#readString(pointer) };
    if (this.#takes("true")) return { kind: "boolean", value: true };
    if (this.#takes("false")) return { kind: "boolean", value: false };
    if (this.#takes("null")) return { kind: "null" };
    const number = this.#match(numberText);
    if (number !== "") return { kind: "number", text: number };
    throw this.#fail(pointer, "Expected a JSON value");
  }

  #readObject(pointer: string, depth: number): JsonNode {
    const members: JsonMember[] = [];
    const names = new Set<string>();
    this.#offset += 1;
    this.#skipWhiteSpace();
    if (this.#takes("}")) return { kind: "object", members };
    do {
      this.#skipWhiteSpace();
      if (this.#text[this.#offset] !== '"') throw this.#fail(pointer, "Expected a name in double quotes");
      const name = this.#readString(pointer);
      const at = pointerTo(pointer, name);
      if (names.has(name)) throw this.#fail(at, "The name appears twice in its object");
      names.add(name);
      this.#skipWhiteSpace();
      if (!this.#takes(":")) throw this.#fail(at, 'Expected ":" after the name');
      members.push({ name, value: this.#readValue(at, depth + 1) });
      this.#skipWhiteSpace();
    } while (this.#takes(","));
    if (!this.#takes("}")) throw this.#fail(pointer, 'Expected "," or "}"');
    return { kind: "object", members };
  }

  #readArray(pointer: string, depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#offset += 1;
    this.#skipWhiteSpace();
    if (this.#takes("]")) return { kind: "array", items };
    do {
      items.push(this.#readValue(pointerTo(pointer, items.length), depth + 1));
      this.#skipWhiteSpace();
    } while (this.#takes(","));
    if (!this.#takes("]")) throw this.#fail(pointer, 'Expected "," or "]"');
    return { kind: "array", items };
  }

  #readString(pointer: string): string {
    this.#offset += 1;
    const parts: string[] = [];
    for (;;) {
      parts.push(this.#match(plainCharacters));
      if (this.#takes('"')) break;
      if (!this.#takes("\\"))
        throw this.#fail(pointer, "Expected the end of the string, or a character U+0020 to U+00FF");
      parts.push(this.#readEscape(pointer));
    }
    const value = parts.join("");
    if (forbiddenCharacter.test(value) || !value.isWellFormed()) {
      throw this.#fail(pointer, "A string holds a control character or half of a surrogate pair");
    }
    return value;
  }

  #readEscape(pointer: string): string {
    const letter = this.#text[this.#offset] ?? "";
    this.#offset += 1;
    if (letter !== "u") {
      const character = simpleEscapes.get(letter);
      if (character === undefined) throw this.#fail(pointer, "Unknown escape in a string");
      return character;
    }
    const digits = this.#match(hexDigits);
    if (digits === "") throw this.#fail(pointer, "Expected four hexadecimal digits after \\u");
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #skipWhiteSpace(): void {
    this.#match(whiteSpace);
  }

  #takes(text: string): boolean {
    if (!this.#text.startsWith(text, this.#offset)) return false;
    this.#offset += text.length;
    return true;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#offset += found.length;
    return found;
  }

  #fail(pointer: string, message: string): JsonError {
    const before = this.#text.slice(0, this.#offset);
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n");
    return new JsonError({ pointer, message: `${message} (line ${line}, column ${column})` });
  }
}
