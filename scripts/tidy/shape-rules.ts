import { basename } from "node:path/posix";
import { Visitor } from "oxc-parser";
import type { Problem, SourceFile } from "./source-file.ts";

/** Lines of a file from which one should ask whether it is still one concept. */
export const longFileLines = 300;
/** Lines a file may have. */
export const maxFileLines = 400;
/** Lines a function may have, its signature and braces included. */
export const maxFunctionLines = 70;

const vagueNames = new Set(["index", "utils", "util", "helpers", "helper", "types", "common", "misc", "shared", "lib"]);

/** Refuses file names that say nothing about their content: `index.ts`, `utils.ts`, `types.ts` and the like. */
export function findNameProblems(file: SourceFile): Problem[] {
  const stem = basename(file.path).replace(/(\.test|\.long)?\.tsx?$/, "");
  if (!vagueNames.has(stem)) return [];
  return [
    { path: file.path, line: 1, message: `"${basename(file.path)}" says nothing: name the file after its export` },
  ];
}

/** Refuses files of more than {@link maxFileLines} lines. */
export function findLengthProblems(file: SourceFile): Problem[] {
  if (file.lineCount <= maxFileLines) return [];
  const message = `${file.lineCount} lines, at most ${maxFileLines}: split it by concept`;
  return [{ path: file.path, line: maxFileLines + 1, message }];
}

/** Refuses functions of more than {@link maxFunctionLines} lines; the callback of a `describe` is not counted as one. */
export function findFunctionProblems(file: SourceFile): Problem[] {
  const groups = new Set<number>();
  const problems: Problem[] = [];
  const check = (node: { readonly start: number; readonly end: number }) => {
    if (groups.has(node.start)) return;
    const line = file.lineAt(node.start);
    const length = file.lineAt(node.end) - line + 1;
    if (length <= maxFunctionLines) return;
    problems.push({ path: file.path, line, message: `a function of ${length} lines, at most ${maxFunctionLines}` });
  };
  new Visitor({
    CallExpression: (node) => {
      const isGroup = node.callee.type === "Identifier" && node.callee.name === "describe";
      if (isGroup) for (const argument of node.arguments) groups.add(argument.start);
    },
    FunctionDeclaration: check,
    FunctionExpression: check,
    ArrowFunctionExpression: check,
  }).visit(file.program);
  return problems;
}
