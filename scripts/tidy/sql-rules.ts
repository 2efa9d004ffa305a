import { basename } from "node:path/posix";
import { type Expression, type PrivateInExpression, Visitor } from "oxc-parser";
import type { Problem, SourceFile } from "./source-file.ts";

/** Starts of statements; upper case, so that prose such as "Delete the bucket" is no SQL. */
const sqlStart =
  /^\s*(SELECT|INSERT|REPLACE|UPDATE|DELETE|WITH|CREATE|DROP|ALTER|PRAGMA|ATTACH|DETACH|VACUUM|SAVEPOINT|ROLLBACK|RELEASE)\b/;

const pragmaStart = /^\s*PRAGMA\b/;

const constantName = /^[A-Z][A-Z0-9_]*$/;

/** Names that stand for a text or a number that is written in this very file, at its top level. */
type Constants = ReadonlySet<string>;

/**
 * Refuses SQL put together from values: a template with `${}` or a `+`. Values are bound as parameters.
 * A constant in upper case may be inserted (a list of columns) when it is declared at the top level of the same file and
 * made of literals and other such constants: the name alone would let a parameter or a local value in.
 * A pragma takes no parameters, so files named `open-*.ts`, which open a database, may put one together.
 */
export function findSqlProblems(file: SourceFile): Problem[] {
  const problems: Problem[] = [];
  const opensDatabase = basename(file.path).startsWith("open-");
  const isSql = (text: string) => sqlStart.test(text) && !(opensDatabase && pragmaStart.test(text));
  const constants = findConstants(file);
  const isFixed = (node: SqlPart) => isConstant(node, constants);
  const nested = new Set<unknown>();
  const refuse = (offset: number) => {
    const message =
      "SQL put together from values: bind them as parameters, or insert an UPPER_CASE constant of this file";
    problems.push({ path: file.path, line: file.lineAt(offset), message });
  };
  new Visitor({
    TemplateLiteral: (node) => {
      const text = node.quasis.map((part) => part.value.raw).join("?");
      if (isSql(text) && !node.expressions.every(isFixed)) refuse(node.start);
    },
    BinaryExpression: (node) => {
      if (node.operator !== "+") return;
      nested.add(node.left);
      if (nested.has(node)) return;
      const parts = flattenSum(node);
      if (isSql(textOf(parts[0])) && !parts.every(isFixed)) refuse(node.start);
    },
  }).visit(file.program);
  return problems;
}

type SqlPart = Expression | PrivateInExpression["left"];

/** In the order of the file, so that a constant may be made of those before it. */
function findConstants(file: SourceFile): Constants {
  const constants = new Set<string>();
  for (const statement of file.program.body) {
    const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declaration?.type !== "VariableDeclaration" || declaration.kind !== "const") continue;
    for (const { id, init } of declaration.declarations) {
      if (id.type !== "Identifier" || !constantName.test(id.name) || !init) continue;
      if (flattenSum(init).every((part) => isConstant(part, constants))) constants.add(id.name);
    }
  }
  return constants;
}

function flattenSum(node: SqlPart): SqlPart[] {
  if (node.type !== "BinaryExpression" || node.operator !== "+") return [node];
  return [...flattenSum(node.left), ...flattenSum(node.right)];
}

function textOf(node: SqlPart | undefined): string {
  if (node?.type === "Literal") return String(node.value);
  if (node?.type === "TemplateLiteral") return node.quasis.map((part) => part.value.raw).join("?");
  return "";
}

function isConstant(node: SqlPart, constants: Constants): boolean {
  switch (node.type) {
    case "Literal":
      return true;
    case "TemplateLiteral":
      return node.expressions.every((each) => isConstant(each, constants));
    case "Identifier":
      return constants.has(node.name);
    default:
      return false;
  }
}
