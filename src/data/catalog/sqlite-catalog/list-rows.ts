import { versionFlag } from "#kernel/protocol/mutation.ts";
import type { KeyRange, ListedObject, ListedRows, ListedUpload, ListedVersion, ListingStart } from "../catalog.ts";
import type { BucketReader, ReaderStatementName } from "./bucket-reader.ts";

/** Rows one call may look at while it searches current versions among old ones and markers. */
export const maxScannedRows = 8192;

/** A BLOB is greater than every TEXT. Source: https://www.sqlite.org/datatype3.html section 4.1 */
const endOfKeys = new Uint8Array(1);

const currentMask = versionFlag.latest | versionFlag.marker;

type RowWithKey = readonly [key: string, ...unknown[]];

/**
 * Current objects of a range. Where every row is current (a bucket that was never versioned) nothing is filtered; else the
 * rows behind the first batch are searched in SQLite.
 */
export function listCurrent(reader: BucketReader, range: KeyRange, limit: number): ListedRows<ListedObject> {
  const { start } = range;
  const end = range.end ?? endOfKeys;
  const scanned = reader.rows<ListedObject>(
    start.kind === "from" ? "currentFrom" : "currentAfter",
    start.key,
    end,
    limit,
  );
  const rows = dropOld(scanned);
  const lastKey = scanned.at(-1)?.[0];
  if (lastKey === undefined || scanned.length < limit) return { rows, next: undefined };
  if (rows === scanned) return { rows, next: { kind: "after", key: lastKey } };
  return searchCurrent(reader, { rows, lastKey, end, limit });
}

/** All live versions of a range. */
export function listVersions(reader: BucketReader, range: KeyRange, limit: number): ListedRows<ListedVersion> {
  const read = { ofKey: "versionsOfKey", from: "versionsFrom", after: "versionsAfter", limit } as const;
  return resume(readRows<ListedVersion>(reader, range, read), limit, (row) => row[1]);
}

/** Open uploads of a range. */
export function listUploads(reader: BucketReader, range: KeyRange, limit: number): ListedRows<ListedUpload> {
  const read = { ofKey: "uploadsOfKey", from: "uploadsFrom", after: "uploadsAfter", limit } as const;
  return resume(readRows<ListedUpload>(reader, range, read), limit, (row) => row[2]);
}

interface Search {
  /** What was found already; more is appended. */
  readonly rows: ListedObject[];
  /** All rows up to this key are done: the newest version of a key is its first row. */
  readonly lastKey: string;
  readonly end: string | Uint8Array;
  readonly limit: number;
}

function searchCurrent(reader: BucketReader, { rows, lastKey, end, limit }: Search): ListedRows<ListedObject> {
  const wanted = limit - rows.length;
  const found = reader.rows<ListedObject>("currentAmong", lastKey, end, wanted, maxScannedRows);
  for (const row of found) rows.push(row);
  const doneAt =
    found.length === wanted
      ? found.at(-1)
      : reader.rows<[key: string]>("keyAtOffset", lastKey, end, maxScannedRows - 1)[0];
  return { rows, next: doneAt && { kind: "after", key: doneAt[0] } };
}

/** The same array when all rows are current. */
function dropOld(rows: ListedObject[]): ListedObject[] {
  for (const row of rows) {
    if ((row[2] & currentMask) !== versionFlag.latest)
      return rows.filter((each) => (each[2] & currentMask) === versionFlag.latest);
  }
  return rows;
}

interface RangeRead {
  readonly ofKey: ReaderStatementName;
  readonly from: ReaderStatementName;
  readonly after: ReaderStatementName;
  readonly limit: number;
}

function readRows<Row>(reader: BucketReader, range: KeyRange, read: RangeRead): Row[] {
  const { start } = range;
  const end = range.end ?? endOfKeys;
  const { ofKey, from, after, limit } = read;
  if (start.kind !== "within") return reader.rows<Row>(start.kind === "from" ? from : after, start.key, end, limit);
  const rows = reader.rows<Row>(ofKey, start.key, start.hlc, limit);
  if (rows.length < limit)
    for (const row of reader.rows<Row>(after, start.key, end, limit - rows.length)) rows.push(row);
  return rows;
}

function resume<Row extends RowWithKey>(rows: Row[], limit: number, hlcOf: (row: Row) => number): ListedRows<Row> {
  const last = rows.at(-1);
  const next: ListingStart | undefined =
    last && rows.length === limit ? { kind: "within", key: last[0], hlc: hlcOf(last) } : undefined;
  return { rows, next };
}
