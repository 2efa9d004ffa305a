import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { BucketReader } from "./bucket-reader.ts";
import { catalogPath } from "./open-catalog.ts";

const scratch = new ScratchBucket();
afterAll(() => scratch.remove());

test("BucketReader: columns in the order of the statement, and a key is never part of the SQL", () => {
  const key = "k' OR 1=1 --";
  scratch.putInline(key, new Uint8Array(5), { etag: "e" });
  scratch.putInline("other", new Uint8Array(5));
  const reader = new BucketReader(scratch.dataDir, "bucket");
  const rows = reader.rows("newest", key);
  expect([rows.length, rows[0]?.slice(1, 4)]).toEqual([1, [5, 5, "e"]]);
  expect(reader.rows("newest", "k")).toEqual([]);
  reader.close();
});

test("BucketReader: closed, it lets the file go", () => {
  const reader = new BucketReader(scratch.dataDir, "bucket");
  reader.rows("newest", "k");
  reader.close();
  scratch.commits.closeBucket("bucket");
  expect(existsSync(`${catalogPath(scratch.dataDir, "bucket")}-wal`)).toBe(false);
});
