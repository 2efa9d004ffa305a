import { afterAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ScratchBucket, type ScratchUpload } from "#testing/scratch-bucket.ts";
import { removeBlobFile } from "../blobs/disk-blobs/blob-files.ts";
import { catalogPath } from "../catalog/sqlite-catalog/open-catalog.ts";
import { verifyCatalog } from "../catalog/sqlite-catalog/verify-catalog.ts";
import { closeBucketCatalog } from "../writer/catalog-lifecycle.ts";
import { GarbageCollector } from "./collect-garbage.ts";

const hourMs = 3_600_000;
const body = new Uint8Array(10).fill(1);
const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

function open(versioning = 0): { scratch: ScratchBucket; garbage: GarbageCollector } {
  const scratch = new ScratchBucket("bucket", versioning);
  scratches.push(scratch);
  const { dataDir, commits, clock, problemSink: problems } = scratch;
  const warn = (message: string) => scratch.warnings.push(message);
  return { scratch, garbage: new GarbageCollector({ dataDir, commits, clock, windowMs: hourMs, warn, problems }) };
}

/** Ids of the blobs that have a file. */
function listFiles({ dataDir }: ScratchBucket): Set<string> {
  const folder = join(dataDir, "buckets", "bucket", "blobs");
  return new Set(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.length > 2)
      .map((path) => path.slice(3)),
  );
}

function listColumn({ writer }: ScratchBucket, sql: string): Set<string> {
  return new Set(
    writer.database
      .query(sql)
      .values()
      .map(([value]) => String(value)),
  );
}

/** Blobs of live versions and of open uploads: what must be there for ever. */
function listNeeded(scratch: ScratchBucket): Set<string> {
  return listColumn(
    scratch,
    "SELECT e.blob_id FROM version v LEFT JOIN extent_share s ON s.detail_id = v.detail_id JOIN extent e ON e.detail_id = coalesce(s.list_id, v.detail_id) AND e.ordinal < coalesce(s.extents, 10000) UNION SELECT p.blob_id FROM part p JOIN upload u ON u.upload_id = p.upload_id WHERE u.state = 0",
  );
}

/** Runs the collector until the windows of history and garbage are over and nothing is left to do. */
function collectAll({ scratch, garbage }: { scratch: ScratchBucket; garbage: GarbageCollector }): void {
  for (let round = 0; round < 3; round++) {
    scratch.clock.advance(2 * hourMs);
    while (garbage.collect("bucket"));
  }
}

type Step =
  | {
      readonly kind: "put" | "append" | "copy" | "delete" | "deleteVersion" | "deleteNewest";
      readonly key: number;
      readonly other: number;
    }
  | { readonly kind: "create" | "complete" | "completeSome" | "abort"; readonly upload: number }
  | { readonly kind: "part"; readonly upload: number; readonly part: number }
  | { readonly kind: "collect"; readonly minutes: number }
  | { readonly kind: "versioning"; readonly value: number };

const small = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("put", "append", "append", "copy", "copy", "delete", "deleteVersion", "deleteNewest"),
    key: small,
    other: small,
  }),
  fc.record({ kind: fc.constantFrom("create", "create", "complete", "completeSome", "abort"), upload: small }),
  fc.record({ kind: fc.constant("part"), upload: small, part: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("collect"), minutes: fc.constantFrom(1, 30, 61, 150) }),
  fc.record({ kind: fc.constant("versioning"), value: fc.constantFrom(1, 2) }),
);

/** A bucket with uploads that steps can be applied to. */
class GarbageWalk {
  readonly opened = open();
  readonly #uploads = new Map<number, { upload: ScratchUpload; parts: Set<number> }>();
  #uploadCount = 0;

  async apply(done: Step): Promise<void> {
    const { scratch, garbage } = this.opened;
    switch (done.kind) {
      case "put":
        await scratch.putBlob(`k${done.key}`, body);
        return;
      case "append":
        expect((await scratch.append(`k${done.key}`, body))?.ok).not.toBe(false);
        return;
      case "copy":
        this.#copy(`k${done.key}`, `k${done.other}`);
        return;
      case "delete":
        scratch.delete(`k${done.key}`);
        return;
      case "deleteVersion":
      case "deleteNewest": {
        const [row] = scratch.writer.database
          .query("SELECT version_id FROM version WHERE key = ?1 ORDER BY hlc * ?2 LIMIT 1")
          .values(`k${done.key}`, done.kind === "deleteNewest" ? -1 : 1);
        if (row) scratch.delete(`k${done.key}`, row[0] === null ? "null" : String(row[0]));
        return;
      }
      case "versioning":
        scratch.writer.setVersioning(done.value);
        return;
      case "collect":
        scratch.clock.advance(done.minutes * 60_000);
        garbage.collect("bucket");
        return;
      default:
        await this.#applyUpload(done);
    }
  }

  async #applyUpload(done: Extract<Step, { readonly upload: number }>): Promise<void> {
    if (done.kind === "create") {
      const upload = this.opened.scratch.createUpload(`k${done.upload}`, `upload-${this.#uploadCount++}`);
      this.#uploads.set(done.upload, { upload, parts: new Set() });
      return;
    }
    const found = this.#uploads.get(done.upload);
    if (!found) return;
    const { upload, parts } = found;
    if (done.kind === "part") {
      await upload.putPart(done.part, body);
      parts.add(done.part);
      return;
    }
    const numbers = [...parts].sort().slice(0, done.kind === "completeSome" ? 1 : parts.size);
    if (done.kind !== "abort" && numbers.length === 0) return;
    expect((done.kind === "abort" ? upload.abort() : upload.complete(numbers)).ok).toBe(true);
    this.#uploads.delete(done.upload);
  }

  #copy(from: string, to: string): void {
    const { scratch } = this.opened;
    const [row] = scratch.writer.database
      .query("SELECT detail_id, size_bytes FROM version WHERE key = ? AND detail_id IS NOT NULL ORDER BY hlc LIMIT 1")
      .values(from);
    if (!row) return;
    const put = {
      ...scratch.makePut(to, { version: 1, sealed: "" }),
      sizeBytes: Number(row[1]),
      bytes: { kind: "share" as const, detailId: Number(row[0]) },
    };
    expect(scratch.commit(put).ok).toBe(true);
  }
}

test("GarbageCollector: after any work no blob that is named is missing, and in the end none that is not needed is left", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const walk = new GarbageWalk();
      const { scratch } = walk.opened;
      for (const each of steps) {
        await walk.apply(each);
        const named = listColumn(scratch, "SELECT blob_id FROM extent UNION SELECT blob_id FROM part");
        expect(named.difference(listFiles(scratch))).toEqual(new Set());
      }
      for (const finding of verifyCatalog(scratch.writer.database))
        expect(finding).not.toMatchObject({ text: expect.anything() });
      collectAll(walk.opened);
      expect(listFiles(scratch)).toEqual(listNeeded(scratch));
      expect(listColumn(scratch, "SELECT 1 FROM closed_version UNION SELECT 1 FROM garbage_blob")).toEqual(new Set());
      for (const finding of verifyCatalog(scratch.writer.database))
        expect(finding).not.toMatchObject({ text: expect.anything() });
      scratch.remove();
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("GarbageCollector: nothing is freed before the window is over, whatever the setting says", async () => {
  const { scratch, garbage } = open();
  await scratch.putBlob("k", body);
  scratch.delete("k");
  garbage.windowMs = 0;
  scratch.clock.advance(hourMs - 1_000);
  garbage.collect("bucket");
  expect(listColumn(scratch, "SELECT 1 FROM closed_version").size).toBe(1);
  scratch.clock.advance(2_000);
  garbage.collect("bucket");
  expect([listColumn(scratch, "SELECT 1 FROM closed_version").size, listFiles(scratch).size]).toEqual([0, 1]);
  scratch.clock.advance(hourMs - 2_000);
  garbage.collect("bucket");
  expect(listFiles(scratch).size).toBe(1);
  scratch.clock.advance(4_000);
  garbage.collect("bucket");
  expect(listFiles(scratch).size).toBe(0);
});

test("GarbageCollector: a step takes a bounded number of rows and says whether there are more", () => {
  const { scratch, garbage } = open();
  for (let i = 0; i < 450; i++) scratch.putInline("k", new Uint8Array(1));
  scratch.clock.advance(2 * hourMs);
  expect([garbage.collect("bucket"), garbage.collect("bucket"), garbage.collect("bucket")]).toEqual([
    true,
    true,
    false,
  ]);
  expect(listColumn(scratch, "SELECT count(*) FROM detail")).toEqual(new Set(["1"]));
});

test("GarbageCollector: a completed upload is remembered for a day", async () => {
  const { scratch, garbage } = open();
  const upload = scratch.createUpload("k", "u");
  await upload.putPart(1, body);
  const first = upload.complete([1]);
  scratch.clock.advance(23 * hourMs);
  garbage.collect("bucket");
  expect(upload.complete([1])).toMatchObject({ ok: true, seq: first.ok ? first.seq : 0 });
  scratch.clock.advance(2 * hourMs);
  garbage.collect("bucket");
  expect(upload.complete([1])).toMatchObject({ ok: false, code: "NoSuchUpload" });
});

test("GarbageCollector: a file that is already gone does not stop it", async () => {
  const opened = open();
  const { scratch } = opened;
  await scratch.putBlob("k", body);
  scratch.delete("k");
  const [blobId = ""] = listFiles(scratch);
  removeBlobFile(scratch.dataDir, "bucket", blobId);
  collectAll(opened);
  expect(listColumn(scratch, "SELECT 1 FROM garbage_blob").size).toBe(0);
});

test("GarbageCollector: the catalog of a closed bucket is not kept open", () => {
  const { scratch, garbage } = open();
  const { commits, dataDir, clock } = scratch;
  const path = `${catalogPath(dataDir, "bucket")}-wal`;
  scratch.putInline("k", body);
  scratch.delete("k");
  expect(closeBucketCatalog({ commits, dataDir, bucketId: "bucket", clock })).toBe(true);
  // SQLite removes the log when its last connection goes.
  expect(existsSync(path)).toBe(false);
  for (let round = 0; round < 2; round++) {
    commits.writerOf("bucket");
    expect(existsSync(path)).toBe(true);
    expect(garbage.collect("bucket")).toBe(false);
    expect(existsSync(path)).toBe(false);
  }
});

test("GarbageCollector: no blob is removed on the word of a catalog that was replaced", async () => {
  const { scratch, garbage } = open();
  const path = catalogPath(scratch.dataDir, "bucket");
  await scratch.putBlob("k", body);
  scratch.commits.closeBucket("bucket");
  copyFileSync(path, `${path}.backup`);
  scratch.delete("k");
  // The blob is garbage for the catalog that is open, and needed by the one that was put in its place.
  for (let round = 0; round < 2; round++) {
    scratch.clock.advance(2 * hourMs);
    if (round === 0) garbage.collect("bucket");
  }
  renameSync(path, `${path}.away`);
  renameSync(`${path}.backup`, path);
  expect(() => garbage.collect("bucket")).toThrow("was replaced");
  expect(listFiles(scratch).size).toBe(1);
});

test("GarbageCollector: a step ends with the version whose extents fill it, the next goes on", () => {
  const opened = open();
  const { scratch, garbage } = opened;
  const put = scratch.makePut("k", { version: 0, sealed: "" });
  for (let i = 0; i < 5; i++) {
    const blob = { blobId: String(i).repeat(32), sizeBytes: 1 };
    expect(scratch.commit({ ...put, etag: `${i}`, bytes: { kind: "blob", blob } }).ok).toBe(true);
  }
  scratch.writer.database.exec(
    "INSERT INTO extent WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT detail_id, i, i + 1, i, 1, detail_id || '-' || i, NULL FROM n, detail",
  );
  const closedCount = () => listColumn(scratch, "SELECT row_id FROM closed_version").size;
  scratch.clock.advance(2 * hourMs);
  expect([closedCount(), garbage.collect("bucket"), closedCount()]).toEqual([4, true, 2]);
  expect([garbage.collect("bucket"), closedCount()]).toEqual([false, 0]);
});

test("GarbageCollector: an append costs one row; versions that share a list go one by one, and its blobs with the last", async () => {
  const { scratch, garbage } = open();
  const countExtents = () => Number(scratch.writer.database.query("SELECT count(*) FROM extent").values()[0]?.[0]);
  await scratch.putBlob("k", body);
  for (let count = 2; count <= 50; count++) {
    expect((await scratch.append("k", body))?.ok).toBe(true);
    expect(countExtents()).toBe(count);
  }
  collectAll({ scratch, garbage });
  expect(countExtents()).toBe(50);
  expect(listFiles(scratch).size).toBe(50);
  scratch.delete("k");
  collectAll({ scratch, garbage });
  expect([countExtents(), listFiles(scratch).size]).toEqual([0, 0]);
  expect(listColumn(scratch, "SELECT 1 FROM extent_share")).toEqual(new Set());
  scratch.remove();
});

test("GarbageCollector: the end of a shared list goes with the newest version; an append to an earlier one makes a list of its own", async () => {
  const { scratch, garbage } = open();
  scratch.writer.setVersioning(1);
  await scratch.putBlob("k", body);
  for (let i = 0; i < 3; i++) await scratch.append("k", body);
  const newestId = () =>
    String(scratch.writer.database.query("SELECT version_id FROM version ORDER BY hlc DESC LIMIT 1").values()[0]?.[0]);
  scratch.delete("k", newestId());
  scratch.delete("k", newestId());
  expect((await scratch.append("k", body))?.ok).toBe(true);
  expect(scratch.writer.database.query("SELECT detail_id, count(*) FROM extent GROUP BY 1").values()).toEqual([
    [1, 4],
    [5, 3],
  ]);
  collectAll({ scratch, garbage });
  expect(scratch.writer.database.query("SELECT detail_id, count(*) FROM extent GROUP BY 1").values()).toEqual([
    [1, 2],
    [5, 3],
  ]);
  expect(listFiles(scratch)).toEqual(listNeeded(scratch));
  scratch.remove();
});
