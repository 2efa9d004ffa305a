import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { checkScratch, fillScratch, listBlobPaths, settleScratch } from "#testing/scratch-check.ts";
import { catalogPath } from "../catalog/sqlite-catalog/open-catalog.ts";

/** Tried once with every byte of a catalog and 1,500 bits of each blob. */
const flipsPerFile = 40;
const catalogFlips = 500;
const scratches: ScratchBucket[] = [];

afterEach(() => {
  for (const scratch of scratches.splice(0)) scratch.remove();
});

function makeScratch(bucketId?: string): ScratchBucket {
  const scratch = new ScratchBucket(bucketId);
  scratches.push(scratch);
  return scratch;
}

function flipBit(path: string, bit: number): void {
  const bytes = readFileSync(path);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  writeFileSync(path, bytes);
}

test("checkDataFolder: a flip in any region of any blob is found, every time", async () => {
  const scratch = makeScratch();
  await fillScratch(scratch);
  settleScratch(scratch);
  for (const path of listBlobPaths(scratch)) {
    const { size } = statSync(path);
    const footerStart = Math.max(0, size - 1_000);
    for (let i = 0; i < flipsPerFile; i++) {
      const from = i % 2 === 0 ? 0 : footerStart;
      const bit = from * 8 + Math.floor(Math.random() * (size - from) * 8);
      flipBit(path, bit);
      const { missing, corrupt } = await checkScratch(scratch);
      flipBit(path, bit);
      if (missing + corrupt === 0 && isWaiting(scratch, path)) continue;
      expect([relative(scratch.dataDir, path), bit, missing + corrupt > 0]).toEqual([
        relative(scratch.dataDir, path),
        bit,
        true,
      ]);
    }
  }
  expect((await checkScratch(scratch)).problems).toBe(0);
}, 60_000);

test("checkDataFolder: a flip in the catalog that changes anything stored is found, every time", async () => {
  const scratch = makeScratch();
  await fillScratch(scratch);
  settleScratch(scratch);
  const path = catalogPath(scratch.dataDir, scratch.bucketId);
  const whole = dumpCatalog(path);
  const bits = statSync(path).size * 8;
  let found = 0;
  for (let i = 0; i < catalogFlips; i++) {
    const bit = Math.floor(Math.random() * bits);
    flipBit(path, bit);
    const { problems } = await checkScratch(scratch);
    const isSame = problems > 0 || dumpCatalog(path) === whole;
    flipBit(path, bit);
    expect([bit, isSame]).toEqual([bit, true]);
    if (problems > 0) found += 1;
  }
  expect(found).toBeGreaterThan(catalogFlips / 5);
  expect((await checkScratch(scratch)).problems).toBe(0);
}, 60_000);

/** True for the blobs that only wait for the collector: their bytes belong to nothing. */
function isWaiting(scratch: ScratchBucket, path: string): boolean {
  const database = new Database(catalogPath(scratch.dataDir, scratch.bucketId), { readonly: true });
  const rows = database.query("SELECT 1 FROM garbage_blob WHERE blob_id = ?").values(path.slice(-32));
  database.close();
  return rows.length > 0;
}

/** Everything that is stored but for what only steers the collector and the conflict answer of open uploads. */
function dumpCatalog(path: string): string {
  try {
    const database = new Database(path, { readonly: true });
    try {
      const queries = [
        "SELECT * FROM bucket_state",
        "SELECT * FROM version",
        "SELECT key, hlc, flags & ~1, size_bytes, etag, version_id, detail_id, from_seq, attributes, crc, until_seq, until_hlc FROM closed_version",
        "SELECT * FROM detail",
        "SELECT * FROM extent",
        "SELECT * FROM extent_share",
        "SELECT * FROM part",
        "SELECT * FROM log",
        "SELECT upload_id, key, initiated_hlc, meta, state, crc, fingerprint, answer, ended_hlc FROM upload",
      ];
      const rows = queries.map((query) => database.query(query).values());
      return JSON.stringify(rows, (_, value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
      );
    } finally {
      database.close();
    }
  } catch {
    return "unreadable";
  }
}
