import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { randomBytes } from "#kernel/base/random.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { blobPath } from "../blobs/disk-blobs/blob-path.ts";
import { OrphanScan } from "./orphan-scan.ts";

const dayMs = 86_400_000;
const facts = { bucketId: "bucket", key: "k", wrappedKey: { version: 1, sealed: "" }, etag: "" };
const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

/** A bucket whose clock is the machine's, because files get their times from there. */
function open(): { scratch: ScratchBucket; scan: OrphanScan } {
  const scratch = new ScratchBucket();
  scratches.push(scratch);
  scratch.clock.advance(Date.now() - scratch.clock.nowMs());
  const { dataDir, commits, clock, problemSink: problems } = scratch;
  return {
    scratch,
    scan: new OrphanScan({ dataDir, commits, clock, warn: (message) => scratch.warnings.push(message), problems }),
  };
}

/** Makes a file that a crash left in the middle of a write. */
function leaveUnfinished({ dataDir }: ScratchBucket): string {
  const path = blobPath(dataDir, "bucket", Buffer.from(randomBytes(16)).toString("hex"));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, randomBytes(5_000));
  return path;
}

/** Enough steps for all folders of the bucket. */
async function scanAll(scan: OrphanScan): Promise<void> {
  for (let i = 0; i < 300; i++) await scan.step();
}

test("OrphanScan: removes what nothing names after a day, finished or not, and keeps what is named", async () => {
  const { scratch, scan } = open();
  await scratch.putBlob("kept", randomBytes(10));
  const upload = scratch.createUpload("parts", "u");
  const partId = await upload.putPart(1, randomBytes(10));
  const { blobId } = await scratch.writeBlob(randomBytes(10), randomBytes(32), facts);
  const orphans = [leaveUnfinished(scratch), leaveUnfinished(scratch), blobPath(scratch.dataDir, "bucket", blobId)];
  await scanAll(scan);
  expect(orphans.map((path) => existsSync(path))).toEqual([true, true, true]);
  scratch.clock.advance(dayMs + 60_000);
  await scanAll(scan);
  expect(orphans.map((path) => existsSync(path))).toEqual([false, false, false]);
  expect(existsSync(blobPath(scratch.dataDir, "bucket", partId))).toBe(true);
  const [row] = scratch.writer.database.query("SELECT blob_id FROM extent").values();
  expect(existsSync(blobPath(scratch.dataDir, "bucket", String(row?.[0])))).toBe(true);
  expect(scratch.warnings).toContain("Blobs of interrupted writes were removed");
});

test("OrphanScan: with a damaged catalog a finished blob stays and is reported; an unfinished one goes", async () => {
  const { scratch, scan } = open();
  await scratch.putBlob("lost", randomBytes(10));
  const [row] = scratch.writer.database.query("SELECT blob_id FROM extent").values();
  const finished = blobPath(scratch.dataDir, "bucket", String(row?.[0]));
  const unfinished = leaveUnfinished(scratch);
  scratch.writer.database.exec("DELETE FROM version; DELETE FROM extent; DELETE FROM detail");
  scratch.clock.advance(dayMs + 60_000);
  await scanAll(scan);
  expect([existsSync(finished), existsSync(unfinished)]).toEqual([true, false]);
  expect(scratch.warnings).toContain("Blobs that nothing names were left for a check");
});

test("OrphanScan: a blob the collector knows of, a stray file and a young link to old bytes are left alone", async () => {
  const { scratch, scan } = open();
  await scratch.putBlob("k", randomBytes(10));
  scratch.delete("k");
  const [row] = scratch.writer.database.query("SELECT blob_id FROM extent").values();
  scratch.writer.database.exec("INSERT INTO garbage_blob SELECT blob_id, 1 FROM extent; DELETE FROM extent");
  const known = blobPath(scratch.dataDir, "bucket", String(row?.[0]));
  const stray = join(dirname(known), "notes.txt");
  writeFileSync(stray, "not a blob");
  scratch.clock.advance(dayMs + 60_000);
  await scanAll(scan);
  expect([existsSync(known), existsSync(stray)]).toEqual([true, true]);
});

test("OrphanScan: a step looks at one folder, and a bucket without catalog or folder does not stop it", async () => {
  const { scratch, scan } = open();
  const orphans = Array.from({ length: 5 }, () => leaveUnfinished(scratch));
  mkdirSync(join(scratch.dataDir, "buckets", "no-catalog", "blobs", "ab"), { recursive: true });
  writeFileSync(join(scratch.dataDir, "buckets", "no-catalog", "blobs", "ab", "ab".repeat(16)), "x");
  scratch.clock.advance(dayMs + 60_000);
  await scan.step();
  expect(orphans.filter((path) => existsSync(path)).length).toBeGreaterThanOrEqual(4);
  await scanAll(scan);
  expect(orphans.filter((path) => existsSync(path))).toEqual([]);
  expect(existsSync(join(scratch.dataDir, "buckets", "no-catalog", "blobs", "ab", "ab".repeat(16)))).toBe(true);
});

test("OrphanScan: a bucket whose folders cannot be listed is named", async () => {
  const { scratch, scan } = open();
  const blobs = join(scratch.dataDir, "buckets", "bucket", "blobs");
  rmSync(blobs, { recursive: true });
  // Permissions do not stop root; a chain of links without end is refused to everybody.
  symlinkSync(blobs, blobs);
  expect(await scan.step().catch((error: Error) => error.message)).toContain("ELOOP");
  expect(scan.bucketId).toBe("bucket");
});
