import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mutation } from "#kernel/protocol/mutation.ts";
import { seedCatalog, seedPut } from "#testing/seed-catalog.ts";
import type { KeyRange, ListingStart } from "../catalog.ts";
import { BucketReader } from "./bucket-reader.ts";
import { listCurrent, listVersions, maxScannedRows } from "./list-rows.ts";

const dataDir = mkdtempSync(join(tmpdir(), "maxiofs-rows-"));
const bucketId = "BUCKET00000000000000000000";
const markedKeys = Array.from({ length: 2 * maxScannedRows }, (_, index) => `marked/${String(index).padStart(6, "0")}`);
const overwrites = 3 * maxScannedRows;

function* mutations(): Generator<Mutation> {
  yield seedPut(bucketId, "first");
  for (const key of markedKeys)
    yield { kind: "delete", bucketId, key, requestId: "", principal: "", versionId: null, conditions: null };
  for (let index = 0; index < overwrites; index++) yield seedPut(bucketId, "often");
  yield seedPut(bucketId, "then");
}

seedCatalog({ dataDir, bucketId, mutations: mutations(), versioning: 1 });
const reader = new BucketReader(dataDir, bucketId);
afterAll(() => {
  reader.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function range(start: ListingStart, end?: string): KeyRange {
  return { start, end };
}

test("listCurrent: one call looks at a bounded number of rows and says where it stopped", () => {
  const { rows, next } = listCurrent(reader, range({ kind: "from", key: "" }), 10);
  expect(rows.map((row) => row[0])).toEqual(["first"]);
  expect(next).toEqual({ kind: "after", key: markedKeys[9 - 1 + maxScannedRows] ?? "" });
});

test("listCurrent: markers and old versions are no entries; following `next` finds every current object", () => {
  const found: string[] = [];
  let start: ListingStart | undefined = { kind: "from", key: "" };
  for (let calls = 0; start !== undefined && calls < 20; calls++) {
    const { rows, next } = listCurrent(reader, range(start), 3);
    found.push(...rows.map((row) => row[0]));
    start = next;
  }
  expect([found, start]).toEqual([["first", "often", "then"], undefined]);
});

test("listCurrent: the end of the range is not read", () => {
  expect(listCurrent(reader, range({ kind: "from", key: "often" }, "oftenx"), 5).rows.map((row) => row[0])).toEqual([
    "often",
  ]);
  expect(listCurrent(reader, range({ kind: "after", key: "often" }, "then"), 5)).toEqual({ rows: [], next: undefined });
  expect(listCurrent(reader, range({ kind: "after", key: "then" }), 5)).toEqual({ rows: [], next: undefined });
});

test("listVersions: goes on within a key, then behind it", () => {
  const start = range({ kind: "after", key: markedKeys.at(-1) ?? "" });
  const first = listVersions(reader, start, overwrites - 1);
  expect(first.rows.length).toBe(overwrites - 1);
  const rest = first.next && listVersions(reader, range(first.next), 10);
  expect(rest?.rows.map((row) => row[0])).toEqual(["often", "then"]);
  expect(rest?.next).toBeUndefined();
  expect(rest?.rows[0]?.[1]).toBeLessThan(first.rows.at(-1)?.[1] ?? 0);
});
