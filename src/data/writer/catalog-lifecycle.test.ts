import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { CatalogUnavailableError } from "../catalog/sqlite-catalog/catalog-unavailable-error.ts";
import { bucketFolder, catalogPath, createCatalog } from "../catalog/sqlite-catalog/open-catalog.ts";
import { verifyCatalog } from "../catalog/sqlite-catalog/verify-catalog.ts";
import { closeBucketCatalog, removeBucketCatalog } from "./catalog-lifecycle.ts";

const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

function open(versioning = 0): ScratchBucket {
  const scratch = new ScratchBucket("bucket", versioning);
  scratches.push(scratch);
  return scratch;
}

function close(scratch: ScratchBucket, bucketId = "bucket"): boolean {
  const { commits, dataDir, clock } = scratch;
  return closeBucketCatalog({ commits, dataDir, bucketId, clock });
}

test("closeBucketCatalog: refuses while a version or marker is left, whatever the versioning", () => {
  const scratch = open(1);
  scratch.putInline("k", new Uint8Array(1));
  expect(close(scratch)).toBe(false);
  const marker = scratch.delete("k");
  const [row] = scratch.writer.database.query("SELECT version_id FROM version WHERE NOT flags & 2").values();
  scratch.delete("k", String(row?.[0]));
  expect(close(scratch)).toBe(false);
  scratch.delete("k", marker.ok ? marker.versionId : null);
  expect(close(scratch)).toBe(true);
});

test("closeBucketCatalog: afterwards nothing can be stored, not even after the catalog was opened again", () => {
  const scratch = open();
  expect(scratch.putInline("k", new Uint8Array(1)).ok).toBe(true);
  scratch.delete("k");
  expect([close(scratch), close(scratch)]).toEqual([true, true]);
  expect(scratch.putInline("late", new Uint8Array(1))).toMatchObject({ ok: false, code: "NoSuchBucket" });
  scratch.commits.closeBucket("bucket");
  expect(scratch.putInline("late", new Uint8Array(1))).toMatchObject({ ok: false, code: "NoSuchBucket" });
});

test("closeBucketCatalog: open uploads are aborted, more than fit on one page too", async () => {
  const scratch = open();
  const base = {
    kind: "createUpload",
    bucketId: "bucket",
    key: "k",
    requestId: "",
    principal: "",
    meta: "{}",
  } as const;
  const uploads = Array.from({ length: 1_001 }, (_, i) => ({ ...base, uploadId: `u${i}` }));
  scratch.writer.commit(uploads.map((mutation) => ({ mutation, bytes: new Uint8Array() })));
  await scratch.createUpload("k", "with-part").putPart(1, new Uint8Array(5));
  expect(close(scratch)).toBe(true);
  expect(scratch.writer.database.query("SELECT count(*) FROM upload").values()).toEqual([[0]]);
  expect(scratch.writer.counters.partBytes).toBe(0);
  for (const finding of verifyCatalog(scratch.writer.database))
    expect(finding).not.toMatchObject({ text: expect.anything() });
});

test("closeBucketCatalog: a catalog that was never made counts as closed", () => {
  expect(close(open(), "never")).toBe(true);
});

test("createCatalog, removeBucketCatalog: may be repeated; removing takes the bucket's folder and no other", () => {
  const scratch = open();
  const { dataDir, commits } = scratch;
  createCatalog(dataDir, "second");
  scratch.putInline("k", new Uint8Array(1));
  createCatalog(dataDir, "bucket");
  expect(scratch.writer.counters.objects).toBe(1);
  mkdirSync(bucketFolder(dataDir, "half-made"));
  for (const bucketId of ["second", "second", "half-made", "never"])
    expect(removeBucketCatalog({ commits, dataDir, bucketId, clock: scratch.clock })).toBe(true);
  expect(["bucket", "second", "half-made"].map((bucketId) => existsSync(bucketFolder(dataDir, bucketId)))).toEqual([
    true,
    false,
    false,
  ]);
  expect(scratch.putInline("k", new Uint8Array(1)).ok).toBe(true);
});

test("removeBucketCatalog: many files go in steps of 20 ms, the catalog with the last", async () => {
  const scratch = open();
  const { dataDir, commits } = scratch;
  for (let i = 0; i < 50; i++) await scratch.putBlob(`k${i}`, new Uint8Array(1));
  let nowMs = 0;
  const remove = () =>
    removeBucketCatalog({ commits, dataDir, bucketId: "bucket", clock: { monotonicMs: () => nowMs++ } });
  for (const left of [30, 10]) {
    expect(remove()).toBe(false);
    const names = readdirSync(join(bucketFolder(dataDir, "bucket"), "blobs"), { recursive: true, encoding: "utf8" });
    expect(names.filter((name) => name.length > 32).length).toBe(left);
    expect(existsSync(catalogPath(dataDir, "bucket"))).toBe(true);
  }
  expect(remove()).toBe(true);
  expect(existsSync(bucketFolder(dataDir, "bucket"))).toBe(false);
});

test("closeBucketCatalog: a bucket whose catalog is gone may hold objects: it is not closed", () => {
  const scratch = open();
  scratch.putInline("k", new Uint8Array(1));
  const path = catalogPath(scratch.dataDir, "bucket");
  renameSync(path, `${path}.away`);
  expect(() => close(scratch)).toThrow(CatalogUnavailableError);
  scratch.commits.closeBucket("bucket");
  expect(() => close(scratch)).toThrow(CatalogUnavailableError);
  mkdirSync(bucketFolder(scratch.dataDir, "empty"), { recursive: true });
  expect(() => close(scratch, "empty")).toThrow("is missing");
});
