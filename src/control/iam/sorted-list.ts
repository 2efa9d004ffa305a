import type { ControlQueries, SqlRow, SqlValue } from "../database/control-database.ts";
import { readText } from "../database/row-values.ts";
import { ControlError } from "../http/control-error.ts";
import type { Page } from "./identity-work.ts";

/** Orders of lists of what has a name; a minus turns them round. Without one a list is ordered by id. */
export const nameSorts = ["name", "-name", "createdAt", "-createdAt"] as const;

/** One of `nameSorts`. */
export type NameSort = (typeof nameSorts)[number];

/**
 * Statements of a list. The parameters of each begin with the list's own; then come, for `byId`, the id after which the page begins
 * and the number of rows, and for the others value and id after which it begins and the number of rows.
 */
export interface SortedList<Sort extends string> {
  readonly idColumn: string;
  /** Columns of the rows that hold what is ordered by, without the minus: of `At` numbers, else texts in ASCII. */
  readonly columns: Readonly<Record<string, string>>;
  readonly byId: string;
  readonly by: Readonly<Record<Sort, string>>;
}

/** Which rows are wanted. */
export interface RowsWanted<Sort extends string> {
  /** The list's own parameters. */
  readonly parameters: readonly SqlValue[];
  /** Absent: by id. */
  readonly sort: Sort | undefined;
  /** Of the page before, in the same order; empty for the first page. */
  readonly cursor: string;
  readonly limit: number;
}

/** After what a page begins, in the order that is asked for. */
export interface PageStart {
  readonly value: string | number;
  readonly id: string;
}

/** A page of a list, one row more being read than wanted. Rows decide where it ends: one that `show` leaves out ends no list. */
export async function readSortedPage<Sort extends string, Item>(
  database: Pick<ControlQueries, "all">,
  list: SortedList<Sort>,
  wanted: RowsWanted<Sort> & { readonly show: (row: SqlRow) => readonly Item[] },
): Promise<Page<Item>> {
  const { limit, sort, show } = wanted;
  const rows = await readSortedRows(database, list, { ...wanted, limit: limit + 1 });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items: shown.flatMap(show), nextCursor: hasMore ? cursorAfter(list, sort, last) : null };
}

/** Rows of a list from where a page begins. @throws ControlError InvalidRequest when the cursor is of another order */
export function readSortedRows<Sort extends string>(
  database: Pick<ControlQueries, "all">,
  list: SortedList<Sort>,
  { parameters, sort, cursor, limit }: RowsWanted<Sort>,
): Promise<readonly SqlRow[]> {
  if (sort === undefined) return database.all(list.byId, [...parameters, cursor, limit]);
  const { value, id } = startOf(sort, cursor);
  return database.all(list.by[sort], [...parameters, value, id, limit]);
}

/** After what the page of a cursor begins. @throws ControlError InvalidRequest when the cursor is of another order */
export function startOf(sort: string, cursor: string): PageStart {
  const isDown = sort.startsWith("-");
  const isNumber = sort.endsWith("At");
  if (cursor === "") {
    const last = isNumber ? Number.MAX_SAFE_INTEGER : afterAllTexts;
    return isDown ? { value: last, id: afterAllTexts } : { value: isNumber ? -1 : "", id: "" };
  }
  const found = parseCursor(cursor);
  if (found?.sort === sort && (typeof found.value === "number") === isNumber) return found;
  throw new ControlError("InvalidRequest", "The cursor is of no page of this list in this order", [
    { pointer: "/cursor", message: "must be the nextCursor of a page that was asked for in the same way" },
  ]);
}

/** The cursor of the page after an item. */
export function renderCursor(sort: string, { value, id }: PageStart): string {
  return Buffer.from(JSON.stringify([sort, value, id])).toString("base64url");
}

/** Behind every name and id. */
const afterAllTexts = "~";

function cursorAfter<Sort extends string>(list: SortedList<Sort>, sort: Sort | undefined, row: SqlRow): string {
  const id = readText(row, list.idColumn);
  if (sort === undefined) return id;
  const value = row[list.columns[sort.replace("-", "")] ?? ""];
  if (typeof value !== "string" && typeof value !== "number") throw new TypeError(`A row cannot be sorted by ${sort}`);
  return renderCursor(sort, { value, id });
}

function parseCursor(cursor: string): (PageStart & { readonly sort: unknown }) | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (!Array.isArray(parts)) return undefined;
    const [sort, value, id]: readonly unknown[] = parts;
    if ((typeof value !== "string" && typeof value !== "number") || typeof id !== "string") return undefined;
    return { sort, value, id };
  } catch {
    return undefined;
  }
}
