import { afterEach, expect, test } from "bun:test";
import { copyFileSync, renameSync, unlinkSync } from "node:fs";
import type { MutationResult } from "#kernel/protocol/mutation.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { CatalogUnavailableError } from "../catalog/sqlite-catalog/catalog-unavailable-error.ts";
import { catalogPath, openCatalog } from "../catalog/sqlite-catalog/open-catalog.ts";
import { CatalogWatch } from "./catalog-watch.ts";

const scratches: ScratchBucket[] = [];
afterEach(() => {
  for (const scratch of scratches.splice(0)) scratch.remove();
});

function open() {
  const scratch = new ScratchBucket();
  scratches.push(scratch);
  const watch = new CatalogWatch({ commits: scratch.commits, problems: scratch.problemSink });
  scratch.putInline("k", new Uint8Array(5));
  return { scratch, watch, path: catalogPath(scratch.dataDir, "bucket") };
}

test("CatalogWatch: says that a catalog is gone and that it is back", () => {
  const { scratch, watch, path } = open();
  watch.look();
  expect(scratch.problems).toEqual([]);
  renameSync(path, `${path}.away`);
  watch.look();
  expect(scratch.problems).toMatchObject([{ bucketId: "bucket", kind: "lost" }]);
  expect(scratch.problems[0]?.reason).toContain(`${path} was removed`);
  expect(() => scratch.putInline("k", new Uint8Array(5))).toThrow(CatalogUnavailableError);
  renameSync(`${path}.away`, path);
  watch.look();
  expect(scratch.problems).toEqual([]);
  expect(scratch.putInline("k", new Uint8Array(5)).ok).toBe(true);
});

test("CatalogWatch: where only the log is gone, the catalog gets what was in it", () => {
  const { scratch, watch, path } = open();
  unlinkSync(`${path}-wal`);
  watch.look();
  expect(scratch.problems[0]?.reason).toContain("-wal was removed");
  copyFileSync(path, catalogPath(scratch.dataDir, "bucket").replace("index.db", "copy.db"));
  scratch.commits.closeBucket("bucket");
  const database = openCatalog(scratch.dataDir, "bucket", "read");
  expect(database.query("SELECT key FROM version").values()).toEqual([["k"]]);
  database.close();
});

test("BucketWriter: a refused commit is not stored once the loss is known, and what was stored before is there", () => {
  const { scratch, path } = open();
  renameSync(path, `${path}.away`);
  for (const key of ["first", "second", "third"])
    expect(() => scratch.putInline(key, new Uint8Array(5))).toThrow(CatalogUnavailableError);
  renameSync(`${path}.away`, path);
  const keys = () => scratch.writer.database.query("SELECT key FROM version ORDER BY key").values().flat();
  expect(keys()).toEqual(["first", "k"]);
  expect(scratch.putInline("last", new Uint8Array(5)).ok).toBe(true);
  expect(keys()).toEqual(["first", "k", "last"]);
});

test("GroupCommit: a catalog replaced while its connection was closed is refused until the first one is back", () => {
  const { scratch, path } = open();
  scratch.commits.closeBucket("bucket");
  renameSync(path, `${path}.away`);
  copyFileSync(`${path}.away`, path);
  expect(() => scratch.writer).toThrow("was replaced under the running server");
  renameSync(`${path}.away`, path);
  expect(scratch.putInline("k", new Uint8Array(5)).ok).toBe(true);
});

test("CatalogWatch: says that a catalog is back also when only a commit saw that it was gone", () => {
  const { scratch, watch, path } = open();
  renameSync(path, `${path}.away`);
  const answers: (readonly MutationResult[])[] = [];
  const mutations = [scratch.makePut("k", { version: 0, sealed: "" })];
  scratch.commits.add({ mutations, bytes: new Uint8Array(), answer: (results) => void answers.push(results) });
  scratch.commits.run();
  expect(answers).toMatchObject([[{ ok: false, code: "ServiceUnavailable" }]]);
  expect(scratch.problems).toMatchObject([{ kind: "lost" }]);
  renameSync(`${path}.away`, path);
  watch.look();
  expect(scratch.problems).toEqual([]);
});
