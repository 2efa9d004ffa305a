import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { FakeClock } from "#testing/fake-clock.ts";
import { scratchParent } from "#testing/power-loss/scratch-parent.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { BucketReader } from "./bucket-reader.ts";
import { BucketWriter } from "./bucket-writer.ts";
import { CatalogUnavailableError } from "./catalog-unavailable-error.ts";
import { bucketFolder, catalogPath, createCatalog, openCatalog } from "./open-catalog.ts";
import { openUntouched } from "./open-untouched.ts";
import { SqliteCatalogReader } from "./sqlite-catalog-reader.ts";
import { verifyCatalog } from "./verify-catalog.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(scratchParent(), "maxiofs-open-"));
  folders.push(folder);
  return folder;
}

function pragma(database: Database, name: string): unknown {
  return database.query(`PRAGMA ${name}`).values()[0]?.[0];
}

test("createCatalog: makes folder, blobs and catalog; once more changes nothing", () => {
  const dataDir = makeFolder();
  createCatalog(dataDir, "b");
  const writer = openCatalog(dataDir, "b", "write");
  writer.exec("INSERT INTO garbage_blob VALUES ('x', 1)");
  createCatalog(dataDir, "b");
  expect(writer.query("SELECT count(*) FROM garbage_blob").values()).toEqual([[1]]);
  expect(existsSync(join(bucketFolder(dataDir, "b"), "blobs"))).toBe(true);
  writer.close();
});

test("createCatalog: completes what a crash left half made", () => {
  const dataDir = makeFolder();
  mkdirSync(bucketFolder(dataDir, "b"), { recursive: true });
  new Database(catalogPath(dataDir, "b")).close();
  createCatalog(dataDir, "b");
  openCatalog(dataDir, "b", "read").close();
});

test("openCatalog: the writer syncs each commit and nobody checkpoints behind its back; the reader cannot write", () => {
  const dataDir = makeFolder();
  createCatalog(dataDir, "b");
  const writer = openCatalog(dataDir, "b", "write");
  expect(
    ["journal_mode", "synchronous", "wal_autocheckpoint", "page_size", "trusted_schema"].map((name) =>
      pragma(writer, name),
    ),
  ).toEqual(["wal", 2, 0, 4096, 0]);
  const reader = openCatalog(dataDir, "b", "read");
  expect(() => reader.exec("DELETE FROM version")).toThrow("readonly");
  reader.close();
  writer.close();
});

test("openCatalog: a missing one, an empty one, and one of another form, are unavailable; what to do is said", () => {
  const dataDir = makeFolder();
  const advice = "restore the folder of the bucket from a backup while the server is stopped";
  createCatalog(dataDir, "empty");
  for (const [bucketId, kind] of [
    ["none", "lost"],
    ["empty", "damaged"],
  ] as const) {
    for (const mode of ["read", "write"] as const) {
      truncateSync(catalogPath(dataDir, "empty"));
      const open = () => openCatalog(dataDir, bucketId, mode);
      expect(open).toThrow(CatalogUnavailableError);
      expect(open).toThrow(expect.objectContaining({ kind, message: expect.stringContaining(advice) }));
    }
  }
  createCatalog(dataDir, "b");
  const writer = openCatalog(dataDir, "b", "write");
  writer.exec("PRAGMA user_version = 3");
  writer.close();
  for (const mode of ["read", "write"] as const) expect(() => openCatalog(dataDir, "b", mode)).toThrow("has form 3");
});

test("openUntouched: makes no file beside a quiet catalog, and sees what a crash left in the log", () => {
  const dataDir = makeFolder();
  createCatalog(dataDir, "b");
  const path = catalogPath(dataDir, "b");
  const quiet = openUntouched(dataDir, "b");
  expect(quiet.query("SELECT count(*) FROM version").values()).toEqual([[0]]);
  expect([existsSync(`${path}-wal`), existsSync(`${path}-shm`)]).toEqual([false, false]);
  expect(() => quiet.exec("DELETE FROM version")).toThrow("readonly");
  quiet.close();
  const writer = openCatalog(dataDir, "b", "write");
  writer.exec("INSERT INTO garbage_blob VALUES ('x', 1)");
  const busy = openUntouched(dataDir, "b");
  expect(busy.query("SELECT count(*) FROM garbage_blob").values()).toEqual([[1]]);
  busy.close();
  writer.close();
  expect(() => openUntouched(dataDir, "none")).toThrow(CatalogUnavailableError);
});

test("createCatalog, openCatalog: files and folders are private whatever the umask, earlier ones are made so", () => {
  const dataDir = makeFolder();
  const umask = process.umask(0);
  try {
    createCatalog(dataDir, "b");
    const path = catalogPath(dataDir, "b");
    const listModes = () => [path, `${path}-wal`, `${path}-shm`].map((each) => statSync(each).mode & 0o777);
    openCatalog(dataDir, "b", "write").close();
    chmodSync(path, 0o644);
    const writer = openCatalog(dataDir, "b", "write");
    expect(listModes()).toEqual([0o600, 0o600, 0o600]);
    writer.close();
    const folder = bucketFolder(dataDir, "b");
    expect([folder, join(folder, "blobs"), dirname(folder)].map((each) => statSync(each).mode & 0o777)).toEqual([
      0o700, 0o700, 0o700,
    ]);
  } finally {
    process.umask(umask);
  }
});

test.skipIf(process.platform !== "linux")("BucketWriter, openCatalog: what fails to open leaves no file open", () => {
  const dataDir = makeFolder();
  const options = { dataDir, bucketId: "b", clock: new FakeClock(), minPartBytes: 1 };
  const path = catalogPath(dataDir, "b");
  const countOpen = () =>
    readdirSync("/proc/self/fd").filter((name) => {
      try {
        return readlinkSync(`/proc/self/fd/${name}`).startsWith(dataDir);
      } catch {
        return false;
      }
    }).length;
  createCatalog(dataDir, "b");
  const sound = readFileSync(path);
  for (const from of [0, 100, 4096]) {
    writeFileSync(path, Buffer.from(sound).fill(0xa5, from));
    for (let i = 0; i < 5; i++) {
      expect(() => new BucketWriter(options)).toThrow();
      expect(() => new BucketReader(dataDir, "b").rows("newest", "k")).toThrow();
    }
    Bun.gc(true);
    expect(countOpen()).toBe(0);
  }
});

test("openCatalog: the writer brings an earlier form to this one; a reader that was there before sees what it then writes", async () => {
  const scratch = new ScratchBucket("bucket", 0);
  const { dataDir } = scratch;
  await scratch.putBlob("k", new Uint8Array(10));
  scratch.commits.close();
  const earlier = new Database(catalogPath(dataDir, "bucket"));
  earlier.exec("DROP TABLE extent_share; UPDATE bucket_state SET value = 1 WHERE name = 'min_reader'");
  earlier.exec("PRAGMA user_version = 1");
  expect([...verifyCatalog(earlier)].filter(({ kind }) => kind === "damaged")).toEqual([]);
  earlier.close();
  const reader = new SqliteCatalogReader(dataDir);
  const listParts = async () => {
    const found = await reader.findNewest("bucket", "k", false);
    return (await reader.listExtents("bucket", found?.detailId ?? 0, { marker: 0, limit: 9 })).length;
  };
  expect(await listParts()).toBe(1);
  expect((await scratch.append("k", new Uint8Array(5)))?.ok).toBe(true);
  expect(await listParts()).toBe(2);
  expect([...verifyCatalog(scratch.writer.database)].filter(({ kind }) => kind === "damaged")).toEqual([]);
  reader.close();
  scratch.remove();
});
