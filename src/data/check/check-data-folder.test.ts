import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "#kernel/base/random.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { checkScratch, fillScratch, listScratchFiles, settleScratch } from "#testing/scratch-check.ts";
import { nodeDisk } from "../blobs/disk.ts";
import { catalogPath } from "../catalog/sqlite-catalog/open-catalog.ts";
import { checkDataFolder } from "./check-data-folder.ts";

const scratches: ScratchBucket[] = [];

afterEach(() => {
  for (const scratch of scratches.splice(0)) scratch.remove();
});

function makeScratch(bucketId?: string): ScratchBucket {
  const scratch = new ScratchBucket(bucketId);
  scratches.push(scratch);
  return scratch;
}

test("checkDataFolder: finds no problem and counts what is there", async () => {
  const scratch = makeScratch();
  await fillScratch(scratch);
  const { objects, versions, bytes } = scratch.writer.counters;
  settleScratch(scratch);
  const lines: string[] = [];
  const result = await checkScratch(scratch, lines);
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
    unreadable: 0,
    orphaned: 0,
    drift: 0,
    unverifiable: 0,
  });
});

test("checkDataFolder: an empty data folder and an empty bucket have no problems", async () => {
  const scratch = makeScratch();
  settleScratch(scratch);
  expect(await checkScratch(scratch)).toMatchObject({ buckets: 1, problems: 0, objects: 0 });
  const { keys, clock } = scratch;
  expect(
    await checkDataFolder({ dataDir: join(scratch.dataDir, "none"), keys, disk: nodeDisk, clock, report: () => {} }),
  ).toMatchObject({ buckets: 0, problems: 0 });
});

test("checkDataFolder: changes no file and leaves none behind, after a clean stop and after a crash", async () => {
  const scratch = makeScratch();
  await fillScratch(scratch);
  const crashed = makeScratch("other");
  const folder = join(crashed.dataDir, "buckets", "bucket");
  mkdirSync(folder);
  for (const end of ["", "-wal"])
    copyFileSync(`${catalogPath(scratch.dataDir, "bucket")}${end}`, join(folder, `index.db${end}`));
  settleScratch(scratch);
  settleScratch(crashed);
  for (const { dataDir } of [scratch, crashed]) {
    const before = listScratchFiles(dataDir).map((path) => [path, Bun.hash(readFileSync(path))]);
    await checkScratch(dataDir === scratch.dataDir ? scratch : crashed);
    const after = listScratchFiles(dataDir)
      .filter((path) => !path.endsWith("-shm"))
      .map((path) => [path, Bun.hash(readFileSync(path))]);
    expect(after).toEqual(before);
  }
});

test("checkDataFolder: a bucket is checked beside its writer", async () => {
  const scratch = makeScratch();
  await fillScratch(scratch);
  expect((await checkScratch(scratch)).problems).toBe(0);
  scratch.putInline("later", Buffer.from("later"));
  expect((await checkScratch(scratch)).problems).toBe(0);
});

test("checkDataFolder: bytes under a client's key are counted, and their length is checked", async () => {
  const scratch = makeScratch();
  scratch.putInlineForClient("secret", Buffer.from("only the client can read this"));
  settleScratch(scratch);
  const lines: string[] = [];
  expect(await checkScratch(scratch, lines)).toMatchObject({ problems: 0, unverifiable: 1 });
  expect(lines.at(-1)).toEndWith("0 drift, 1 not verifiable without the client's key");
  const database = new Database(catalogPath(scratch.dataDir, "bucket"));
  database.exec("UPDATE detail SET body = substr(body, 2)");
  database.close();
  expect(await checkScratch(scratch)).toMatchObject({ corrupt: 1, unverifiable: 1 });
});

test("checkDataFolder: without the right keys every object is corrupt, none is called whole", async () => {
  const scratch = makeScratch();
  scratch.putInline("a", Buffer.from("a"));
  settleScratch(scratch);
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
  settleScratch(scratch);
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
