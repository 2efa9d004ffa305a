import { basename } from "node:path/posix";
import { type Expression, type PrivateInExpression, Visitor } from "oxc-parser";
import type { Problem, SourceFile } from "./source-file.ts";

/** Starts of statements; upper case, so that prose such as "Delete the bucket" is no SQL. */
const sqlStart =
  /^\s*(SELECT|INSERT|REPLACE|UPDATE|DELETE|WITH|CREATE|DROP|ALTER|PRAGMA|ATTACH|DETACH|VACUUM|SAVEPOINT|ROLLBACK|RELEASE)\b/;

const pragmaStart = /^\s*PRAGMA\b/;

const constantName = /^[A-Z][A-Z0-9_]*$/;

/**
 * Refuses SQL put together from values: a template with `${}` or a `+`. Values are bound as parameters.
 * A constant in upper case may be inserted (a list of columns, a page size); its value is in the code.
 * A pragma takes no parameters, so files named `open-*.ts`, which open a database, may put one together.
 */
export function findSqlProblems(file: SourceFile): Problem[] {
  const problems: Problem[] = [];
  const opensDatabase = basename(file.path).startsWith("open-");
  const isSql = (text: string) => sqlStart.test(text) && !(opensDatabase && pragmaStart.test(text));
  const nested = new Set<unknown>();
  const refuse = (offset: number) => {
    const message = "SQL put together from values: bind them as parameters, or insert an UPPER_CASE constant";
    problems.push({ path: file.path, line: file.lineAt(offset), message });
  };
  new Visitor({
    TemplateLiteral: (node) => {
      const text = node.quasis.map((part) => part.value.raw).join("?");
      if (isSql(text) && !node.expressions.every(isConstant)) refuse(node.start);
    },
    BinaryExpression: (node) => {
      if (node.operator !== "+") return;
      nested.add(node.left);
      if (nested.has(node)) return;
      const parts = flattenSum(node);
      if (isSql(textOf(parts[0])) && !parts.every(isConstant)) refuse(node.start);
    },
  }).visit(file.program);
  return problems;
}

function flattenSum(node: Expression | PrivateInExpression["left"]): (Expression | PrivateInExpression["left"])[] {
  if (node.type !== "BinaryExpression" || node.operator !== "+") return [node];
  return [...flattenSum(node.left), ...flattenSum(node.right)];
}

function textOf(node: Expression | PrivateInExpression["left"] | undefined): string {
  if (node?.type === "Literal") return String(node.value);
  if (node?.type === "TemplateLiteral") return node.quasis.map((part) => part.value.raw).join("?");
  return "";
}

function isConstant(node: Expression | PrivateInExpression["left"]): boolean {
  switch (node.type) {
    case "Literal":
      return true;
    case "TemplateLiteral":
      return node.expressions.every(isConstant);
    case "Identifier":
      return constantName.test(node.name);
    case "MemberExpression":
      return node.property.type === "Identifier" && constantName.test(node.property.name);
    default:
      return false;
  }
}
