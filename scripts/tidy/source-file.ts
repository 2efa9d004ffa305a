import { type Comment, type Program, parseSync } from "oxc-parser";

/** A part of the tree with its own rules on what it may import. `root` is `src/*.test.ts`, `main` is `src/main.ts`. */
export type Layer = "kernel" | "data" | "control" | "console" | "testing" | "bench" | "scripts" | "main" | "root";

/** One parsed source file, as every rule gets it. */
export interface SourceFile {
  /** From the top of the repository, with `/`: `src/data/pool.ts`. */
  readonly path: string;
  readonly text: string;
  readonly layer: Layer;
  /** True for `*.test.ts` and `*.long.ts`. */
  readonly isTest: boolean;
  /** True for what ends up in the binary: `src` without tests and without `src/testing`. */
  readonly isShipped: boolean;
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly lineCount: number;
  /** The line of a character offset, from 1. */
  lineAt(offset: number): number;
}

/** A broken rule: where, and what is wanted instead. */
export interface Problem {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/**
 * Parses TypeScript (or TSX) text.
 * @param path From the top of the repository, with `/`; it decides the layer.
 * @throws Error when the text has a syntax error.
 */
export function parseSourceFile(path: string, text: string): SourceFile {
  const result = parseSync(path, text);
  const failure = result.errors[0];
  if (failure !== undefined) throw new Error(`Cannot parse ${path}: ${failure.message}`);
  const lineStarts = findLineStarts(text);
  const isTest = /\.(test|long)\.tsx?$/.test(path);
  const layer = layerOf(path);
  return {
    path,
    text,
    layer,
    isTest,
    isShipped: path.startsWith("src/") && !isTest && layer !== "testing",
    program: result.program,
    comments: result.comments,
    lineCount: text.endsWith("\n") ? lineStarts.length - 1 : lineStarts.length,
    lineAt: (offset) => findLine(lineStarts, offset),
  };
}

/**
 * The layer a path belongs to.
 * @throws Error for a path outside `src`, `bench` and `scripts`, or directly in `src` without being main or a test.
 */
export function layerOf(path: string): Layer {
  const [top, second] = path.split("/");
  if (top === "bench" || top === "scripts") return top;
  if (top === "src") {
    switch (second) {
      case "kernel":
      case "data":
      case "control":
      case "console":
      case "testing":
        return second;
      case "main.ts":
        return "main";
    }
  }
  if (/^src\/[^/]+\.test\.ts$/.test(path)) return "root";
  throw new Error(`${path} belongs to no layer: src/ holds main.ts, *.test.ts and the folders of the planes`);
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function findLine(lineStarts: readonly number[], offset: number): number {
  let low = 0;
  let high = lineStarts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lineStarts[middle] ?? Number.POSITIVE_INFINITY) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
