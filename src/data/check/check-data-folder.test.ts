import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { randomBytes } from "#kernel/base/random.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { nodeDisk } from "../blobs/disk.ts";
import { blobPath } from "../blobs/disk-blobs/blob-path.ts";
import { catalogPath } from "../catalog/sqlite-catalog/open-catalog.ts";
import { type CheckResult, checkDataFolder } from "./check-data-folder.ts";

/** Tried once with every byte of a catalog and 1,500 bits of each blob. */
const flipsPerFile = 40;
const catalogFlips = 500;
const scratches: ScratchBucket[] = [];

afterEach(() => {
  for (const scratch of scratches.splice(0)) scratch.remove();
});

function makeScratch(bucketId?: string, versioning?: number): ScratchBucket {
  const scratch = new ScratchBucket(bucketId, versioning);
  scratches.push(scratch);
  return scratch;
}

/** One of everything: inline and blob, versions and a marker, history, copies, a completed and an open upload, tags. */
async function fill(scratch: ScratchBucket): Promise<void> {
  scratch.putInline("empty", new Uint8Array());
  scratch.putInline("small", Buffer.from("a small body"));
  scratch.putInline("small", Buffer.from("the second version of a small body"));
  scratch.putInline("ünï/ключ", randomBytes(70_000));
  scratch.putInline("gone", Buffer.from("gone"));
  scratch.delete("gone");
  scratch.writer.setVersioning(1);
  await scratch.putBlob("blob", randomBytes(200_000));
  await scratch.putBlob("blob", randomBytes(10));
  scratch.delete("blob");
  const upload = scratch.createUpload("parts", "upload-1");
  await upload.putPart(
    3,
    randomBytes(70_000),
    `SHA256:${new Bun.CryptoHasher("sha256").update(new Uint8Array(5)).digest("base64")}`,
  );
  await upload.putPart(
    3,
    new Uint8Array(5),
    `SHA256:${new Bun.CryptoHasher("sha256").update(new Uint8Array(5)).digest("base64")}`,
  );
  await upload.putPart(7, randomBytes(65_536));
  await upload.putPart(9, randomBytes(9));
  upload.complete([3, 7]);
  await scratch.createUpload("parts", "upload-2").putPart(1, randomBytes(100));
}

async function check(scratch: ScratchBucket, lines: string[] = []): Promise<CheckResult> {
  const { dataDir, keys, clock } = scratch;
  return checkDataFolder({ dataDir, keys, disk: nodeDisk, clock, report: (line) => lines.push(line) });
}

/** Closes the catalog, so that its bytes are in one file. */
function settle(scratch: ScratchBucket): void {
  scratch.commits.checkpoint(scratch.bucketId);
  scratch.commits.close();
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function flipBit(path: string, bit: number): void {
  const bytes = readFileSync(path);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  writeFileSync(path, bytes);
}

function blobFiles(scratch: ScratchBucket): string[] {
  return listFiles(join(scratch.dataDir, "buckets", scratch.bucketId, "blobs"));
}

describe("checkDataFolder: what is whole", () => {
  test("checkDataFolder: finds no problem and counts what is there", async () => {
    const scratch = makeScratch();
    await fill(scratch);
    const { objects, versions, bytes } = scratch.writer.counters;
    settle(scratch);
    const lines: string[] = [];
    const result = await check(scratch, lines);
    expect(lines).toEqual([
      `bucket: ${objects} objects, ${versions} versions, ${bytes} bytes, 0 missing, 0 corrupt, 0 orphaned, 0 drift`,
    ]);
    expect(result).toEqual({
      buckets: 1,
      problems: 0,
      objects,
      versions,
      bytes,
      missing: 0,
      corrupt: 0,
      orphaned: 0,
      drift: 0,
      unverifiable: 0,
    });
  });

  test("checkDataFolder: an empty data folder and an empty bucket have no problems", async () => {
    const scratch = makeScratch();
    settle(scratch);
    expect(await check(scratch)).toMatchObject({ buckets: 1, problems: 0, objects: 0 });
    const { keys, clock } = scratch;
    expect(
      await checkDataFolder({ dataDir: join(scratch.dataDir, "none"), keys, disk: nodeDisk, clock, report: () => {} }),
    ).toMatchObject({ buckets: 0, problems: 0 });
  });

  test("checkDataFolder: changes no file and leaves none behind, after a clean stop and after a crash", async () => {
    const scratch = makeScratch();
    await fill(scratch);
    const crashed = makeScratch("other");
    const folder = join(crashed.dataDir, "buckets", "bucket");
    mkdirSync(folder);
    for (const end of ["", "-wal"])
      copyFileSync(`${catalogPath(scratch.dataDir, "bucket")}${end}`, join(folder, `index.db${end}`));
    settle(scratch);
    settle(crashed);
    for (const { dataDir } of [scratch, crashed]) {
      const before = listFiles(dataDir).map((path) => [path, Bun.hash(readFileSync(path))]);
      await check(dataDir === scratch.dataDir ? scratch : crashed);
      const after = listFiles(dataDir)
        .filter((path) => !path.endsWith("-shm"))
        .map((path) => [path, Bun.hash(readFileSync(path))]);
      expect(after).toEqual(before);
    }
  });

  test("checkDataFolder: a bucket is checked beside its writer", async () => {
    const scratch = makeScratch();
    await fill(scratch);
    expect((await check(scratch)).problems).toBe(0);
    scratch.putInline("later", Buffer.from("later"));
    expect((await check(scratch)).problems).toBe(0);
  });

  test("checkDataFolder: bytes under a client's key are counted, and their length is checked", async () => {
    const scratch = makeScratch();
    scratch.putInlineForClient("secret", Buffer.from("only the client can read this"));
    settle(scratch);
    const lines: string[] = [];
    expect(await check(scratch, lines)).toMatchObject({ problems: 0, unverifiable: 1 });
    expect(lines.at(-1)).toEndWith("0 drift, 1 not verifiable without the client's key");
    const database = new Database(catalogPath(scratch.dataDir, "bucket"));
    database.exec("UPDATE detail SET body = substr(body, 2)");
    database.close();
    expect(await check(scratch)).toMatchObject({ corrupt: 1, unverifiable: 1 });
  });
});

describe("checkDataFolder: flipped bits", () => {
  test("checkDataFolder: a flip in any region of any blob is found, every time", async () => {
    const scratch = makeScratch();
    await fill(scratch);
    settle(scratch);
    for (const path of blobFiles(scratch)) {
      const { size } = statSync(path);
      const footerStart = Math.max(0, size - 1_000);
      for (let i = 0; i < flipsPerFile; i++) {
        const from = i % 2 === 0 ? 0 : footerStart;
        const bit = from * 8 + Math.floor(Math.random() * (size - from) * 8);
        flipBit(path, bit);
        const { missing, corrupt } = await check(scratch);
        flipBit(path, bit);
        if (missing + corrupt === 0 && isWaiting(scratch, path)) continue;
        expect([relative(scratch.dataDir, path), bit, missing + corrupt > 0]).toEqual([
          relative(scratch.dataDir, path),
          bit,
          true,
        ]);
      }
    }
    expect((await check(scratch)).problems).toBe(0);
  }, 60_000);

  test("checkDataFolder: a flip in the catalog that changes anything stored is found, every time", async () => {
    const scratch = makeScratch();
    await fill(scratch);
    settle(scratch);
    const path = catalogPath(scratch.dataDir, scratch.bucketId);
    const whole = dumpCatalog(path);
    const bits = statSync(path).size * 8;
    let found = 0;
    for (let i = 0; i < catalogFlips; i++) {
      const bit = Math.floor(Math.random() * bits);
      flipBit(path, bit);
      const { problems } = await check(scratch);
      const isSame = problems > 0 || dumpCatalog(path) === whole;
      flipBit(path, bit);
      expect([bit, isSame]).toEqual([bit, true]);
      if (problems > 0) found += 1;
    }
    expect(found).toBeGreaterThan(catalogFlips / 5);
    expect((await check(scratch)).problems).toBe(0);
  }, 60_000);
});

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

describe("checkDataFolder: what is missing or in the wrong place", () => {
  test("checkDataFolder: a missing blob is missing, a cut one corrupt", async () => {
    const scratch = makeScratch();
    await scratch.putBlob("a", randomBytes(100_000));
    settle(scratch);
    const [path = ""] = blobFiles(scratch);
    const { size } = statSync(path);
    for (const length of [0, 1, 15, 16, 17, 65_536, size - 17, size - 16, size - 1]) {
      const bytes = readFileSync(path);
      truncateSync(path, length);
      expect([length, (await check(scratch)).corrupt]).toEqual([length, 1]);
      writeFileSync(path, bytes);
    }
    writeFileSync(path, "x", { flag: "a" });
    expect((await check(scratch)).corrupt).toBe(1);
    unlinkSync(path);
    const lines: string[] = [];
    expect(await check(scratch, lines)).toMatchObject({ missing: 1, corrupt: 0, problems: 1 });
    expect(lines[0]).toStartWith('bucket: missing: "a"');
  });

  test("checkDataFolder: two swapped blobs of the same size are both corrupt", async () => {
    const scratch = makeScratch();
    await scratch.putBlob("a", randomBytes(100_000));
    await scratch.putBlob("b", randomBytes(100_000));
    settle(scratch);
    const [one = "", two = ""] = blobFiles(scratch);
    renameSync(one, `${one}.tmp`);
    renameSync(two, one);
    renameSync(`${one}.tmp`, two);
    expect((await check(scratch)).corrupt).toBe(2);
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
  ])("checkDataFolder: finds %s", async (_, damage) => {
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
    settle(scratch);
    expect((await check(scratch)).problems).toBe(0);
    const database = new Database(catalogPath(scratch.dataDir, scratch.bucketId));
    database.exec(damage);
    database.close();
    expect((await check(scratch)).problems).toBeGreaterThan(0);
  });

  test("checkDataFolder: a catalog that is missing, cut off or no database is one bucket's problem", async () => {
    const scratch = makeScratch();
    await fill(scratch);
    settle(scratch);
    const path = catalogPath(scratch.dataDir, "bucket");
    mkdirSync(join(scratch.dataDir, "buckets", "empty-folder"));
    const bytes = readFileSync(path);
    for (const length of [0, 50, 4_096, bytes.length / 2]) {
      writeFileSync(path, bytes.subarray(0, length));
      const { missing, corrupt, buckets } = await check(scratch);
      expect([length, missing, corrupt > 0, buckets]).toEqual([length, 1, true, 2]);
    }
    writeFileSync(path, "no database at all, but long enough to be looked at".repeat(200));
    expect((await check(scratch)).corrupt).toBeGreaterThan(0);
  });

  test("checkDataFolder: files that nothing names are reported after the grace, and are no problem", async () => {
    const scratch = makeScratch();
    await fill(scratch);
    const blob = await scratch.writeBlob(randomBytes(10), randomBytes(32), {
      bucketId: "bucket",
      key: "k",
      wrappedKey: { version: 1, sealed: "" },
      etag: "",
    });
    const path = blobPath(scratch.dataDir, "bucket", blob.blobId);
    writeFileSync(join(path, "..", "left-behind.tmp"), "x");
    settle(scratch);
    scratch.clock.advance(Date.now() - scratch.clock.nowMs());
    expect(await check(scratch)).toMatchObject({ orphaned: 0, problems: 0 });
    scratch.clock.advance(3_700_000);
    const lines: string[] = [];
    const result = await check(scratch, lines);
    expect(result).toMatchObject({ orphaned: 2, problems: 0 });
    expect(lines.filter((line) => line.includes("orphaned: file")).length).toBe(2);
    utimesSync(path, 0, 0);
    expect(readFileSync(path).length).toBeGreaterThan(0);
  });

  test("checkDataFolder: without the right keys every object is corrupt, none is called whole", async () => {
    const scratch = makeScratch();
    scratch.putInline("a", Buffer.from("a"));
    settle(scratch);
    const { dataDir, clock } = scratch;
    const other = await checkDataFolder({
      dataDir,
      clock,
      keys: [{ version: 1, key: randomBytes(32) }],
      disk: nodeDisk,
      report: () => {},
    });
    expect(other.corrupt).toBe(1);
  });

  test("checkDataFolder: one bucket can be named, and many problems are cut short", async () => {
    const scratch = makeScratch();
    for (let i = 0; i < 150; i++) scratch.putInline(`key-${i}`, Buffer.from("body"));
    settle(scratch);
    const database = new Database(catalogPath(scratch.dataDir, "bucket"));
    database.exec("UPDATE detail SET body = zeroblob(20)");
    database.close();
    const lines: string[] = [];
    const { dataDir, keys, clock } = scratch;
    const result = await checkDataFolder({
      dataDir,
      keys,
      clock,
      bucketId: "bucket",
      disk: nodeDisk,
      report: (line) => lines.push(line),
    });
    expect(result).toMatchObject({ buckets: 1, corrupt: 150 });
    expect(lines.length).toBe(102);
    expect(lines[100]).toBe("bucket: and 50 more");
  });
});
