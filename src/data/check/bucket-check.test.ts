import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { randomBytes } from "#kernel/base/random.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { checkScratch, fillScratch, listBlobPaths, settleScratch } from "#testing/scratch-check.ts";
import { blobPath } from "../blobs/disk-blobs/blob-path.ts";
import { catalogPath } from "../catalog/sqlite-catalog/open-catalog.ts";

const scratches: ScratchBucket[] = [];

afterEach(() => {
  for (const scratch of scratches.splice(0)) scratch.remove();
});

function makeScratch(bucketId?: string): ScratchBucket {
  const scratch = new ScratchBucket(bucketId);
  scratches.push(scratch);
  return scratch;
}

test("BucketCheck: a missing blob is missing, a cut one corrupt", async () => {
  const scratch = makeScratch();
  await scratch.putBlob("a", randomBytes(100_000));
  settleScratch(scratch);
  const [path = ""] = listBlobPaths(scratch);
  const { size } = statSync(path);
  for (const length of [0, 1, 15, 16, 17, 65_536, size - 17, size - 16, size - 1]) {
    const bytes = readFileSync(path);
    truncateSync(path, length);
    expect([length, (await checkScratch(scratch)).corrupt]).toEqual([length, 1]);
    writeFileSync(path, bytes);
  }
  writeFileSync(path, "x", { flag: "a" });
  expect((await checkScratch(scratch)).corrupt).toBe(1);
  unlinkSync(path);
  const lines: string[] = [];
  expect(await checkScratch(scratch, lines)).toMatchObject({ missing: 1, corrupt: 0, problems: 1 });
  expect(lines[0]).toStartWith('bucket: missing: "a"');
});

test("BucketCheck: two swapped blobs of the same size are both corrupt", async () => {
  const scratch = makeScratch();
  await scratch.putBlob("a", randomBytes(100_000));
  await scratch.putBlob("b", randomBytes(100_000));
  settleScratch(scratch);
  const [one = "", two = ""] = listBlobPaths(scratch);
  renameSync(one, `${one}.tmp`);
  renameSync(two, one);
  renameSync(`${one}.tmp`, two);
  expect((await checkScratch(scratch)).corrupt).toBe(2);
});

test.each([
  ["a detail moved to another key", "UPDATE version SET detail_id = 3 - detail_id WHERE key IN ('a', 'b')"],
  [
    "a body moved to another detail",
    "UPDATE detail SET body = (SELECT o.body FROM detail o WHERE o.detail_id = 3 - detail.detail_id) WHERE detail_id IN (1, 2)",
  ],
  [
    "metadata moved to another detail",
    "UPDATE detail SET meta = (SELECT o.meta FROM detail o WHERE o.detail_id = 2) WHERE detail_id = 1",
  ],
  ["a row that was removed", "DELETE FROM version WHERE key = 'a'"],
  ["a detail that was removed", "DELETE FROM detail WHERE detail_id = 1"],
  ["a detail without a version", "INSERT INTO detail (detail_id, meta, crc) VALUES (9, '{}', 0)"],
  ["a key that was changed", "UPDATE version SET key = 'c' WHERE key = 'a'"],
  [
    "an older body of the same key",
    "UPDATE detail SET body = (SELECT o.body FROM detail o WHERE o.detail_id = 4), meta = (SELECT o.meta FROM detail o WHERE o.detail_id = 4) WHERE detail_id = 5",
  ],
  [
    "blobs in another order",
    "UPDATE extent SET offset_bytes = 1 - ordinal, ordinal = 1 - ordinal + 10 WHERE detail_id = (SELECT detail_id FROM version WHERE key = 'parts'); UPDATE extent SET ordinal = ordinal - 10 WHERE ordinal >= 10",
  ],
  ["a blob that was removed from the list", "DELETE FROM extent WHERE ordinal = 1"],
  [
    "the blobs of another object",
    "UPDATE extent SET blob_id = (SELECT e.blob_id FROM extent e WHERE e.detail_id = 3) WHERE detail_id = 6 AND ordinal = 0",
  ],
  ["a part that got another number", "UPDATE extent SET part_number = 3 WHERE part_number = 2"],
  ["a counter", "UPDATE bucket_state SET value = value + 1 WHERE name = 'bytes'"],
  ["the versioning", "INSERT OR REPLACE INTO bucket_state (name, value) VALUES ('versioning', 1)"],
  ["a tag", "UPDATE version SET attributes = replace(attributes, 'blue', 'glue') WHERE key = 'a'"],
  ["a log record", "UPDATE log SET seq = seq + 1 WHERE seq = (SELECT max(l.seq) FROM log l)"],
  ["a mark of the newest version", "UPDATE version SET flags = flags & ~1 WHERE key = 'a'"],
])("BucketCheck: finds %s", async (_, damage) => {
  const scratch = makeScratch();
  scratch.putInline("a", Buffer.from("one body of 22 bytes.."));
  scratch.putInline("b", Buffer.from("another of 22 bytes..."));
  await scratch.putBlob("blob", randomBytes(10));
  scratch.putInline("c-old", Buffer.from("first"));
  scratch.putInline("c-old", Buffer.from("later"));
  const upload = scratch.createUpload("parts", "upload");
  await upload.putPart(1, new Uint8Array(1));
  await upload.putPart(2, new Uint8Array(1));
  upload.complete([1, 2]);
  settleScratch(scratch);
  expect((await checkScratch(scratch)).problems).toBe(0);
  const database = new Database(catalogPath(scratch.dataDir, scratch.bucketId));
  database.exec(damage);
  database.close();
  expect((await checkScratch(scratch)).problems).toBeGreaterThan(0);
});

test("BucketCheck: a catalog that is missing, cut off or no database is one bucket's problem", async () => {
  const scratch = makeScratch();
  await fillScratch(scratch);
  settleScratch(scratch);
  const path = catalogPath(scratch.dataDir, "bucket");
  mkdirSync(join(scratch.dataDir, "buckets", "empty-folder"));
  const bytes = readFileSync(path);
  for (const length of [0, 50, 4_096, bytes.length / 2]) {
    writeFileSync(path, bytes.subarray(0, length));
    const { missing, corrupt, buckets } = await checkScratch(scratch);
    expect([length, missing, corrupt > 0, buckets]).toEqual([length, 1, true, 2]);
  }
  writeFileSync(path, "no database at all, but long enough to be looked at".repeat(200));
  expect((await checkScratch(scratch)).corrupt).toBeGreaterThan(0);
});

test("BucketCheck: files that nothing names are reported after the grace, and are no problem", async () => {
  const scratch = makeScratch();
  await fillScratch(scratch);
  const blob = await scratch.writeBlob(randomBytes(10), randomBytes(32), {
    bucketId: "bucket",
    key: "k",
    wrappedKey: { version: 1, sealed: "" },
    etag: "",
  });
  const path = blobPath(scratch.dataDir, "bucket", blob.blobId);
  writeFileSync(join(path, "..", "left-behind.tmp"), "x");
  settleScratch(scratch);
  scratch.clock.advance(Date.now() - scratch.clock.nowMs());
  expect(await checkScratch(scratch)).toMatchObject({ orphaned: 0, problems: 0 });
  scratch.clock.advance(3_700_000);
  const lines: string[] = [];
  const result = await checkScratch(scratch, lines);
  expect(result).toMatchObject({ orphaned: 2, problems: 0 });
  expect(lines.filter((line) => line.includes("orphaned: file")).length).toBe(2);
  utimesSync(path, 0, 0);
  expect(readFileSync(path).length).toBeGreaterThan(0);
});

test("BucketCheck: behind a page that cannot be read the rest is checked all the same", async () => {
  const scratch = makeScratch();
  await scratch.putBlob("0-lost", randomBytes(100));
  for (let i = 0; i < 200; i++) scratch.putInline(`key-${"x".repeat(200)}-${i}`, randomBytes(1_000));
  await scratch.putBlob("z-lost", randomBytes(100));
  settleScratch(scratch);
  for (const path of listBlobPaths(scratch)) unlinkSync(path);
  const path = catalogPath(scratch.dataDir, "bucket");
  const whole = readFileSync(path);
  const pageBytes = 4096;
  const found: number[] = [];
  for (let page = 1; page < whole.length / pageBytes; page += 4) {
    const bytes = Buffer.from(whole);
    bytes.fill(0xff, page * pageBytes, (page + 1) * pageBytes);
    writeFileSync(path, bytes);
    const { missing, corrupt } = await checkScratch(scratch);
    expect([page, corrupt > 0]).toEqual([page, true]);
    found.push(missing);
  }
  const both = found.filter((count) => count === 2).length;
  expect(both / found.length).toBeGreaterThan(0.8);
});
