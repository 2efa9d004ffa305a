import type { SqlRow } from "./control-database.ts";

/** A text column. @throws TypeError when the column is missing or of another type: a fault of this code or of the file. */
export function readText(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} is no text`);
  return value;
}

/** A whole number within 2^53. @throws TypeError when the column is missing or of another type. */
export function readInteger(row: SqlRow, column: string): number {
  const value = Number(row[column]);
  if (row[column] === null || !Number.isSafeInteger(value)) throw new TypeError(`Column ${column} is no integer`);
  return value;
}

/** A column of JSON. @throws SyntaxError when it is none. */
export function readJson(row: SqlRow, column: string): unknown {
  return JSON.parse(readText(row, column));
}
