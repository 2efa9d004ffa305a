import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { CreateUploadMutation, DeleteMutation, Mutation } from "#kernel/protocol/mutation.ts";
import { compareKeys, listModel, type ListingQuery as ModelQuery } from "#testing/acceptance/listing-model.ts";
import { seedCatalog, seedPut } from "#testing/seed-catalog.ts";
import type { ListedObject, ListedUpload, ListedVersion } from "../catalog/catalog.ts";
import { SqliteCatalogReader } from "../catalog/sqlite-catalog/sqlite-catalog-reader.ts";
import { makeVersionId } from "../catalog/version-id.ts";
import { type ListingRow, listingStart, markerOf, type PageEnd, type ReadRows, readPage } from "./pager.ts";

const dataDir = mkdtempSync(join(tmpdir(), "maxiofs-pager-"));
const reader = new SqliteCatalogReader(dataDir);
let bucketCount = 0;
afterAll(() => {
  reader.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function seed(mutations: (bucketId: string) => Mutation[], versioning = 0): string {
  const bucketId = `BUCKET${String(bucketCount++).padStart(20, "0")}`;
  seedCatalog({ dataDir, bucketId, mutations: mutations(bucketId), versioning });
  return bucketId;
}

const edges = [
  "a",
  "b",
  "/",
  "//",
  "0",
  "\u0000",
  "\u007f",
  "\u0080",
  "\u00e9",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
];
const unit = fc.oneof(fc.constantFrom(...edges), fc.string({ unit: "binary", minLength: 1, maxLength: 1 }));
const text = fc.array(unit, { maxLength: 5 }).map((units) => units.join(""));
const key = text.filter((each) => each !== "");
const keyList = fc.uniqueArray(key, { maxLength: 25 });
const delimiter = fc.oneof(fc.constant(""), fc.constant("/"), fc.constant("//"), text);
const query = fc.record({ prefix: fc.oneof(fc.constant(""), text), delimiter, after: fc.oneof(fc.constant(""), text) });

interface Walk<Row> {
  readonly query: ModelQuery;
  readonly pageSize: number;
  readonly read: ReadRows<Row>;
  /** Place of a page's end within its key. */
  readonly hlcOf?: (row: Row) => number;
}

/** Follows pages to the end. Rows and common prefixes of each page, in order of keys. */
async function walk<Row extends ListingRow>({
  query: { prefix, delimiter: folds, after },
  pageSize,
  read,
  hlcOf,
}: Walk<Row>): Promise<(string | Row)[]> {
  const asked = { prefix, delimiter: folds, limit: pageSize };
  const entries: (string | Row)[] = [];
  let marker: { key: string; hlc?: number } = { key: after };
  for (let pages = 0; pages < 200; pages++) {
    const page = await readPage(asked, listingStart(asked, marker), read);
    expect(page.rows.length + page.prefixes.length).toBeLessThanOrEqual(pageSize);
    const ofPage: (string | Row)[] = [...page.rows, ...page.prefixes];
    entries.push(...ofPage.sort((a, b) => compareKeys(keyOf(a), keyOf(b))));
    if (page.end === undefined) return entries;
    marker = { key: markerOf(page.end), ...hlcOfEnd(page.end, hlcOf) };
  }
  throw new Error("The listing does not end");
}

function listCurrentOf(bucketId: string): ReadRows<ListedObject> {
  return (range, limit) => reader.listCurrent(bucketId, range, limit);
}

function keyOf(entry: string | ListingRow): string {
  return typeof entry === "string" ? entry : entry[0];
}

function hlcOfEnd<Row>(end: PageEnd<Row>, hlcOf: ((row: Row) => number) | undefined): { hlc?: number } {
  return end.kind === "row" && hlcOf !== undefined ? { hlc: hlcOf(end.row) } : {};
}

test("readPage: current objects, every page size names each key and common prefix of the model once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(keyList, fc.array(query, { minLength: 3, maxLength: 6 }), async (keys, queries) => {
      const bucketId = seed((id) => keys.map((each) => seedPut(id, each)));
      for (const each of [{ prefix: "", delimiter: "", after: "" }, ...queries]) {
        const expected = listModel(keys, each);
        for (let pageSize = 1; pageSize <= expected.length + 1; pageSize++) {
          const found = await walk({
            query: each,
            pageSize,
            read: (range, limit) => reader.listCurrent(bucketId, range, limit),
          });
          expect(found.map(keyOf)).toEqual(expected);
        }
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);

const change = fc.record({
  key: fc.constantFrom("a", "a/", "a/b", "b", "\u{10000}/x", "\uffff"),
  isDelete: fc.boolean(),
});

function toMutation(bucketId: string, { key: name, isDelete }: { key: string; isDelete: boolean }): Mutation {
  if (!isDelete) return seedPut(bucketId, name);
  return {
    kind: "delete",
    bucketId,
    key: name,
    requestId: "",
    principal: "",
    versionId: null,
    conditions: null,
  } satisfies DeleteMutation;
}

test("readPage: versions, every page size gives the whole list: keys ascending, newest first, one latest per key", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 40 }), fc.constantFrom("", "/"), async (changes, folds) => {
      const bucketId = seed((id) => changes.map((each) => toMutation(id, each)), 1);
      const readVersions: ReadRows<ListedVersion> = (range, limit) => reader.listVersions(bucketId, range, limit);
      const model = changes.map(({ key: name, isDelete }, index) => ({ name, isDelete, index }));
      model.sort((a, b) => compareKeys(a.name, b.name) || b.index - a.index);
      for (let pageSize = 1; pageSize <= changes.length + 1; pageSize++) {
        const asked = {
          query: { prefix: "", delimiter: folds, after: "" },
          pageSize,
          hlcOf: (row: ListedVersion) => row[1],
        };
        const found = await walk({ ...asked, read: readVersions });
        const names = model.map(({ name }) => name).filter((name) => folds === "" || !name.includes(folds));
        const folded = listModel(
          changes.map((each) => each.key),
          asked.query,
        ).filter((name) => folds !== "" && name.includes(folds));
        expect(found.map(keyOf)).toEqual([...names, ...folded].sort(compareKeys));
        const rows = found.filter((entry) => typeof entry !== "string");
        const latest = rows.filter((row) => (row[2] & 1) === 1).map((row) => row[0]);
        expect(latest).toEqual([...new Set(rows.map((row) => row[0]))]);
        for (const [index, row] of rows.entries())
          if (rows[index - 1]?.[0] === row[0]) expect(row[1]).toBeLessThan(rows[index - 1]?.[1] ?? 0);
      }
      const visible = model
        .filter(({ name }, index) => model[index - 1]?.name !== name)
        .filter(({ isDelete }) => !isDelete);
      const current = await walk({
        query: { prefix: "", delimiter: "", after: "" },
        pageSize: 2,
        read: (range, limit) => reader.listCurrent(bucketId, range, limit),
      });
      expect(current.map(keyOf)).toEqual(visible.map(({ name }) => name));
    }),
    { numRuns: 40 },
  );
}, 60_000);

test("readPage: uploads, every page size gives the whole list by key, then by start", async () => {
  const names = ["x", "a/b", "a", "x", "a/b", "x", "a/c"];
  const toUpload = (bucketId: string, name: string): CreateUploadMutation => ({
    kind: "createUpload",
    bucketId,
    key: name,
    requestId: "",
    principal: "",
    uploadId: makeVersionId(0),
    meta: String(0),
  });
  const bucketId = seed((id) => names.map((name) => toUpload(id, name)));
  for (let pageSize = 1; pageSize <= names.length + 1; pageSize++) {
    const asked = { query: { prefix: "", delimiter: "", after: "" }, pageSize, hlcOf: (row: ListedUpload) => row[2] };
    const found = await walk({ ...asked, read: (range, limit) => reader.listUploads(bucketId, range, limit) });
    expect(found.map(keyOf)).toEqual(names.toSorted(compareKeys));
    const ofX = found.filter((entry) => typeof entry !== "string").filter((row) => row[0] === "x");
    expect(ofX.map((row) => row[2])).toEqual(ofX.map((row) => row[2]).toSorted((a, b) => a - b));
    const folded = await walk({
      ...asked,
      query: { prefix: "", delimiter: "/", after: "" },
      read: (range, limit) => reader.listUploads(bucketId, range, limit),
    });
    expect(folded.map(keyOf)).toEqual(["a", "a/", "x", "x", "x"]);
  }
});

test("readPage: reads a few rows per common prefix, whatever it holds, and grows where keys do not fold", async () => {
  const folders = Array.from({ length: 100 }, (_, folder) =>
    Array.from({ length: 50 }, (_each, index) => `f${String(folder).padStart(3, "0")}/${index}`),
  ).flat();
  const plain = Array.from({ length: 400 }, (_, index) => `g${String(index).padStart(4, "0")}`);
  const bucketId = seed((id) => [...folders, ...plain].map((each) => seedPut(id, each)));
  let reads = 0;
  let rowCount = 0;
  const read: ReadRows<ListingRow> = async (range, limit) => {
    const listed = await reader.listCurrent(bucketId, range, limit);
    reads += 1;
    rowCount += listed.rows.length;
    return listed;
  };
  const asked = { prefix: "", delimiter: "/", limit: 1000 };
  const page = await readPage(asked, listingStart(asked), read);
  expect([page.prefixes.length, page.rows.length, page.end]).toEqual([100, 400, undefined]);
  expect(reads).toBeLessThan(110);
  expect(rowCount).toBeLessThan(100 * 2 + 450);
});

test("readPage: the key right behind a common prefix is not skipped", async () => {
  const keys = ["a/1", "a/2", "a/3", "a0", "a0/", "b"];
  const bucketId = seed((id) => keys.map((each) => seedPut(id, each)));
  const asked = { query: { prefix: "", delimiter: "/", after: "" }, read: listCurrentOf(bucketId) };
  for (let pageSize = 1; pageSize <= 5; pageSize++) {
    expect((await walk({ ...asked, pageSize })).map(keyOf)).toEqual(["a/", "a0", "a0/", "b"]);
  }
});

test("readPage: a limit of 0 is an empty page that is not truncated", async () => {
  const read = () => Promise.reject(new Error("Nothing is read"));
  expect(await readPage({ prefix: "", delimiter: "/", limit: 0 }, { kind: "from", key: "" }, read)).toEqual({
    rows: [],
    prefixes: [],
    end: undefined,
  });
});

test("readPage: ends early after many rows that are no entries, but never inside a prefix that is no entry yet", async () => {
  const keys = Array.from(
    { length: 30 },
    (_, index) => `${index < 20 ? "folder/" : "key"}${String(index).padStart(2, "0")}`,
  );
  let reads = 0;
  // Each read looks at one key and finds that it was deleted.
  const read: ReadRows<ListingRow> = async ({ start }) => {
    reads += 1;
    const next = keys.find((each) => (start.kind === "from" ? each >= start.key : each > start.key));
    return { rows: [], next: next === undefined ? undefined : { kind: "after", key: next } };
  };
  const flat = { prefix: "", delimiter: "", limit: 10 };
  const page = await readPage(flat, listingStart(flat), read);
  expect([page.rows, page.end?.kind, reads < 12]).toEqual([[], "key", true]);
  const folded = { prefix: "", delimiter: "/", limit: 10 };
  const end = (await readPage(folded, listingStart(folded), read)).end;
  expect(end === undefined ? "" : markerOf(end)).toMatch(/^key/);
});

test("listingStart: goes on behind the prefix a marker lies in, not before the listing's own prefix, nowhere behind the last one", () => {
  const asked = { prefix: "a/", delimiter: "/", limit: 1 };
  expect(listingStart(asked)).toEqual({ kind: "from", key: "a/" });
  expect(listingStart(asked, { key: "Z" })).toEqual({ kind: "from", key: "a/" });
  expect(listingStart(asked, { key: "a/b/c" })).toEqual({ kind: "from", key: "a/b0" });
  expect(listingStart(asked, { key: "a/b" })).toEqual({ kind: "after", key: "a/b" });
  expect(listingStart(asked, { key: "a/b", hlc: 7 })).toEqual({ kind: "within", key: "a/b", hlc: 7 });
  expect(listingStart({ prefix: "", delimiter: "\u{10ffff}", limit: 1 }, { key: "\u{10ffff}x" })).toBeUndefined();
});
