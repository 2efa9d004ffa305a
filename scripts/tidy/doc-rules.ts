import type { Directive, ExportNamedDeclaration, Statement } from "oxc-parser";
import type { Problem, SourceFile } from "./source-file.ts";

/** Wants a doc comment directly above every export of a file that is no test. Of overloads, the first carries it. */
export function findDocProblems(file: SourceFile): Problem[] {
  if (file.isTest) return [];
  const docEnds = new Set<number>();
  for (const comment of file.comments) {
    if (comment.type === "Block" && comment.value.startsWith("*") && /\w/.test(comment.value)) docEnds.add(comment.end);
  }
  const seen = new Set<string>();
  return file.program.body.flatMap((statement) => {
    if (!isLocalExport(statement)) return [];
    const names = namesOf(statement);
    const isRepeated = names.length > 0 && names.every((name) => seen.has(name));
    for (const name of names) seen.add(name);
    if (isRepeated || isDocumented(file.text, docEnds, statement.start)) return [];
    const message = `export ${names.join(", ")} has no doc comment directly above it`;
    return [{ path: file.path, line: file.lineAt(statement.start), message }];
  });
}

function isLocalExport(statement: Directive | Statement): statement is ExportNamedDeclaration {
  return statement.type === "ExportNamedDeclaration" && statement.source === null;
}

function isDocumented(text: string, docEnds: ReadonlySet<number>, start: number): boolean {
  let end = start;
  while (end > 0 && /\s/.test(text.charAt(end - 1))) end--;
  return docEnds.has(end) && text.slice(end, start).split("\n").length <= 2;
}

function namesOf(statement: ExportNamedDeclaration): string[] {
  const { declaration } = statement;
  if (declaration === null) {
    return statement.specifiers.map(({ exported }) => (exported.type === "Literal" ? exported.value : exported.name));
  }
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.map(({ id }) => (id.type === "Identifier" ? id.name : "(pattern)"));
  }
  return "id" in declaration && declaration.id?.type === "Identifier" ? [declaration.id.name] : [];
}
