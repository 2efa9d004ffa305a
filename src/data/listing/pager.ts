import type { KeyRange, ListedRows, ListingStart } from "../catalog/catalog.ts";
import { compareKeys, prefixSuccessor } from "../catalog/key-order.ts";

/** What a listing is asked for. */
export interface ListingQuery {
  readonly prefix: string;
  /** Keys are folded into common prefixes that end at its first occurrence behind `prefix`; empty: not at all. */
  readonly delimiter: string;
  /** Entries per page, 0 to 1,000; a common prefix counts as one. */
  readonly limit: number;
}

/** A row of a listing begins with its key. */
export type ListingRow = readonly [key: string, ...unknown[]];

/** Reads rows of one kind from a catalog. */
export type ReadRows<Row> = (range: KeyRange, limit: number) => Promise<ListedRows<Row>>;

/** Where a page ended: at a row, at a common prefix, or at a key that was looked at but is no entry. */
export type PageEnd<Row> =
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "key"; readonly key: string };

/** One page: rows and common prefixes, each in order. */
export interface ListingPage<Row> {
  readonly rows: readonly Row[];
  readonly prefixes: readonly string[];
  /** Where the next page goes on; undefined when the listing is complete. */
  readonly end: PageEnd<Row> | undefined;
}

/** Rows of the first read where keys may fold: a read that folds into one prefix is thrown away but for one row. */
const firstBatchRows = 2;
const batchGrowth = 4;
/** Reads that found less than was asked for, after which a page ends early. Each looked at thousands of rows. */
const maxShortReads = 8;

/**
 * Where a listing goes on after a marker: behind the common prefix it lies in, so that no prefix appears twice, else behind
 * the marker's row at `hlc`, or behind all rows of its key.
 * @param marker undefined or with an empty key: the listing begins at its prefix
 * @returns undefined when nothing can follow
 */
export function listingStart(
  query: ListingQuery,
  marker?: { readonly key: string; readonly hlc?: number | undefined },
): ListingStart | undefined {
  if (marker === undefined || marker.key === "" || compareKeys(marker.key, query.prefix) < 0)
    return { kind: "from", key: query.prefix };
  const folded = marker.key.startsWith(query.prefix) ? commonPrefix(marker.key, query) : undefined;
  if (folded !== undefined) return behindPrefix(folded);
  return marker.hlc === undefined
    ? { kind: "after", key: marker.key }
    : { kind: "within", key: marker.key, hlc: marker.hlc };
}

/** The marker that continues a listing behind a page. */
export function markerOf(end: PageEnd<ListingRow>): string {
  switch (end.kind) {
    case "row":
      return end.row[0];
    case "prefix":
      return end.prefix;
    case "key":
      return end.key;
  }
}

/**
 * Reads one page. Costs O(page): behind a common prefix the reader seeks, it does not read what the prefix holds. A page
 * may end early, even empty, when very many rows are no entries (old versions, markers).
 */
export function readPage<Row extends ListingRow>(
  query: ListingQuery,
  start: ListingStart | undefined,
  read: ReadRows<Row>,
): Promise<ListingPage<Row>> {
  if (query.limit === 0 || start === undefined) return Promise.resolve({ rows: [], prefixes: [], end: undefined });
  return query.delimiter === "" ? readFlatPage(query, start, read) : readFoldedPage(query, start, read);
}

async function readFlatPage<Row extends ListingRow>(
  { prefix, limit }: ListingQuery,
  start: ListingStart,
  read: ReadRows<Row>,
): Promise<ListingPage<Row>> {
  const end = prefixSuccessor(prefix);
  let { rows, next } = await read({ start, end }, limit + 1);
  for (let shortReads = 1; rows.length <= limit && next !== undefined; shortReads++) {
    if (shortReads > maxShortReads) return { rows, prefixes: [], end: { kind: "key", key: next.key } };
    const more: ListedRows<Row> = await read({ start: next, end }, limit + 1 - rows.length);
    rows = rows.length === 0 ? more.rows : rows.concat(more.rows);
    next = more.next;
  }
  if (rows.length <= limit) return { rows, prefixes: [], end: undefined };
  rows.pop();
  const row = rows.at(-1);
  return { rows, prefixes: [], end: row && { kind: "row", row } };
}

async function readFoldedPage<Row extends ListingRow>(
  query: ListingQuery,
  start: ListingStart,
  read: ReadRows<Row>,
): Promise<ListingPage<Row>> {
  const end = prefixSuccessor(query.prefix);
  const page = new FoldedPage<Row>(query);
  let from: ListingStart | undefined = start;
  let batchRows = firstBatchRows;
  let shortReads = 0;
  while (from !== undefined) {
    const asked = Math.min(batchRows, query.limit - page.count + 1);
    const { rows, next } = await read({ start: from, end }, asked);
    const countBefore = page.count;
    const ends = page.take(rows);
    if (page.isFull) return page.finish(page.last);
    from = next && ends !== undefined ? behindPrefix(ends) : next;
    batchRows = (page.count - countBefore) * 2 > rows.length ? batchRows * batchGrowth : firstBatchRows;
    if (rows.length === asked || next === undefined || ends !== undefined) continue;
    shortReads += 1;
    if (shortReads <= maxShortReads) continue;
    // A marker inside a prefix that is no entry yet would skip it: go on, but let others have the thread.
    if (commonPrefix(next.key, query) === undefined) return page.finish({ kind: "key", key: next.key });
    await yieldThread();
  }
  return page.finish(undefined);
}

/** A page with a delimiter while it is filled. */
class FoldedPage<Row extends ListingRow> {
  readonly #query: ListingQuery;
  readonly #rows: Row[] = [];
  readonly #prefixes: string[] = [];
  /** The last entry. */
  last: PageEnd<Row> | undefined;
  /** The page has all its entries and there is one more. */
  isFull = false;

  constructor(query: ListingQuery) {
    this.#query = query;
  }

  get count(): number {
    return this.#rows.length + this.#prefixes.length;
  }

  /** Adds rows, folded. @returns the common prefix that the last row lies in */
  take(rows: readonly Row[]): string | undefined {
    let folded: string | undefined;
    for (const row of rows) {
      if (folded !== undefined && row[0].startsWith(folded)) continue;
      folded = commonPrefix(row[0], this.#query);
      if (this.count === this.#query.limit) {
        this.isFull = true;
        return folded;
      }
      if (folded === undefined) {
        this.#rows.push(row);
        this.last = { kind: "row", row };
      } else {
        this.#prefixes.push(folded);
        this.last = { kind: "prefix", prefix: folded };
      }
    }
    return folded;
  }

  finish(end: PageEnd<Row> | undefined): ListingPage<Row> {
    return { rows: this.#rows, prefixes: this.#prefixes, end };
  }
}

/** The common prefix a key is folded into; undefined when it stands for itself. */
function commonPrefix(key: string, { prefix, delimiter }: ListingQuery): string | undefined {
  if (delimiter === "") return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function behindPrefix(prefix: string): ListingStart | undefined {
  const key = prefixSuccessor(prefix);
  return key === undefined ? undefined : { kind: "from", key };
}

function yieldThread(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
