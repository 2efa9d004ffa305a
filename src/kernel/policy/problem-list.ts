import { maxProblems } from "./policy-limits.ts";
import { type JsonNode, type PolicyProblem, pointerTo } from "./read-json.ts";

/** A JSON value and where it stands. */
export interface Placed {
  readonly pointer: string;
  readonly node: JsonNode;
}

/** A text and where it stands. */
export interface PlacedText {
  readonly pointer: string;
  readonly text: string;
}

/** Collects what is wrong with a document, and what is only odd; keeps the first `maxProblems` of each. */
export class ProblemList {
  readonly problems: PolicyProblem[] = [];
  readonly warnings: PolicyProblem[] = [];

  /** Adds a problem: the document is refused. */
  refuse(pointer: string, message: string): void {
    if (this.problems.length < maxProblems) this.problems.push({ pointer, message });
  }

  /** Adds a problem when there is a message. @returns true when there is none */
  accept(pointer: string, message: string | undefined): boolean {
    if (message !== undefined) this.refuse(pointer, message);
    return message === undefined;
  }

  /** Adds a warning: the document is taken. */
  warn(pointer: string, message: string): void {
    if (this.warnings.length < maxProblems) this.warnings.push({ pointer, message });
  }

  /** The members of an object by name; of anything else none, with a problem. Names not in `known` are problems. */
  members({ pointer, node }: Placed, known?: readonly string[]): Map<string, Placed> {
    const members = new Map<string, Placed>();
    if (node.kind !== "object") {
      this.refuse(pointer, `Expected an object, not ${describeNode(node)}`);
      return members;
    }
    for (const { name, value } of node.members) {
      const at = pointerTo(pointer, name);
      if (known !== undefined && !known.includes(name)) {
        this.refuse(at, `Unknown element, known are ${known.join(", ")}`);
      } else members.set(name, { pointer: at, node: value });
    }
    return members;
  }

  /** One value or a list of them; an empty list is a problem. */
  items({ pointer, node }: Placed): Placed[] {
    if (node.kind !== "array") return [{ pointer, node }];
    if (node.items.length === 0) this.refuse(pointer, "Expected at least one value");
    return node.items.map((item, index) => ({ pointer: pointerTo(pointer, index), node: item }));
  }

  /** A string; undefined, with a problem, when the value is none. */
  text({ pointer, node }: Placed): string | undefined {
    if (node.kind === "string") return node.value;
    this.refuse(pointer, `Expected a string, not ${describeNode(node)}`);
    return undefined;
  }

  /** One string or a list of them; those that are none are problems. */
  texts(placed: Placed): PlacedText[] {
    return this.items(placed).flatMap((item) => {
      const text = this.text(item);
      return text === undefined ? [] : [{ pointer: item.pointer, text }];
    });
  }
}

/** How a message names a value. */
export function describeNode(node: JsonNode): string {
  switch (node.kind) {
    case "object":
      return "an object";
    case "array":
      return "a list";
    case "null":
      return "null";
    default:
      return `a ${node.kind}`;
  }
}
