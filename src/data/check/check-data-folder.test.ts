import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "#kernel/base/random.ts";
import { becomeNobody } from "#testing/become-nobody.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { checkScratch, fillScratch, listBlobPaths, listScratchFiles, settleScratch } from "#testing/scratch-check.ts";
import { nodeDisk } from "../blobs/disk.ts";
import { catalogPath } from "../catalog/sqlite-catalog/open-catalog.ts";
import { type CheckOptions, type CheckResult, checkDataFolder } from "./check-data-folder.ts";

const scratches: ScratchBucket[] = [];

afterEach(() => {
  for (const scratch of scratches.splice(0)) scratch.remove();
});

function makeScratch(bucketId?: string): ScratchBucket {
  const scratch = new ScratchBucket(bucketId);
  scratches.push(scratch);
  return scratch;
}

function checkWith(scratch: ScratchBucket, change: Partial<CheckOptions>): Promise<CheckResult> {
  const { dataDir, keys, clock } = scratch;
  const own = { dataDir, keys, clock, bucketNames: new Map<string, string>(), isServed: false };
  return checkDataFolder({ ...own, disk: nodeDisk, report: () => {}, ...change });
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
    orphaned: 0,
    drift: 0,
    unverifiable: 0,
    unreadable: 0,
    affectedBuckets: [],
  });
});

test("checkDataFolder: an empty data folder and an empty bucket have no problems", async () => {
  const scratch = makeScratch();
  settleScratch(scratch);
  expect(await checkScratch(scratch)).toMatchObject({ buckets: 1, problems: 0, objects: 0 });
  expect(await checkWith(scratch, { dataDir: join(scratch.dataDir, "none") })).toMatchObject({
    buckets: 0,
    problems: 0,
  });
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
  expect(lines.at(-1)).toEndWith("0 drift, 1 not verifiable without their key");
  const database = new Database(catalogPath(scratch.dataDir, "bucket"));
  database.exec("UPDATE detail SET body = substr(body, 2)");
  database.close();
  expect(await checkScratch(scratch)).toMatchObject({ corrupt: 1, unverifiable: 1 });
});

test("checkDataFolder: without the right keys every object is corrupt, none is called whole", async () => {
  const scratch = makeScratch();
  scratch.putInline("a", Buffer.from("a"));
  settleScratch(scratch);
  const other = await checkWith(scratch, { keys: [{ version: 1, key: randomBytes(32) }] });
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
  const result = await checkWith(scratch, { bucketId: "bucket", report: (line) => lines.push(line) });
  expect(result).toMatchObject({ buckets: 1, corrupt: 150 });
  expect(lines.length).toBe(102);
  expect(lines[100]).toBe("bucket: and 50 more");
});

test("checkDataFolder: buckets are named, and one that has a name and no folder is missing", async () => {
  const scratch = makeScratch();
  scratch.putInline("a", Buffer.from("a"));
  settleScratch(scratch);
  const lines: string[] = [];
  const bucketNames = new Map([
    ["bucket", "photos"],
    ["gone", "videos"],
  ]);
  const result = await checkWith(scratch, { bucketNames, report: (line) => lines.push(line) });
  expect(result).toMatchObject({ buckets: 2, missing: 1, problems: 1, affectedBuckets: ["videos (gone)"] });
  expect(lines[0]).toStartWith("photos (bucket): 1 objects");
  expect(lines[1]).toStartWith("videos (gone): missing: The catalog");
});

test("checkDataFolder: without keys the bytes are counted as not verifiable, what else is wrong is found", async () => {
  const scratch = makeScratch();
  await fillScratch(scratch);
  settleScratch(scratch);
  const { unverifiable, problems } = await checkWith(scratch, { keys: [] });
  expect([unverifiable > 5, problems]).toEqual([true, 0]);
  // The other blobs may be garbage already.
  const blobOfVersion = listBlobPaths(scratch).find((path) => statSync(path).size > 200_000);
  rmSync(blobOfVersion ?? "");
  expect(await checkWith(scratch, { keys: [] })).toMatchObject({ missing: 1 });
});

test("checkDataFolder: beside a server it sees one state, however much is committed meanwhile", async () => {
  const scratch = makeScratch();
  for (let i = 0; i < 50; i++) await scratch.putBlob(`key-${i}`, randomBytes(100));
  let count = 0;
  const disk = {
    ...nodeDisk,
    openToRead: (path: string) => {
      scratch.putInline(`later-${count++}`, Buffer.from("later"));
      return nodeDisk.openToRead(path);
    },
  };
  expect(await checkWith(scratch, { disk, isServed: true })).toMatchObject({ problems: 0, objects: 50 });
  expect(count).toBe(50);
});

test("checkDataFolder: beside a server a blob that nothing names any more may be gone", async () => {
  for (const [sql, missing] of [
    ["DELETE FROM extent", 0],
    ["SELECT 1", 1],
  ] as const) {
    const scratch = makeScratch();
    await scratch.putBlob("a", randomBytes(100));
    const [path = ""] = listBlobPaths(scratch);
    const disk = {
      ...nodeDisk,
      sizeOf: (each: string) => {
        const database = new Database(catalogPath(scratch.dataDir, "bucket"));
        database.exec(sql);
        database.close();
        rmSync(path, { force: true });
        return nodeDisk.sizeOf(each);
      },
    };
    expect(await checkWith(scratch, { disk, isServed: true })).toMatchObject({ missing });
  }
});

test("checkDataFolder: damage that nobody can ask for any more is told as that", async () => {
  const scratch = makeScratch();
  await scratch.putBlob("a", randomBytes(100));
  const [old = ""] = listBlobPaths(scratch);
  await scratch.putBlob("a", randomBytes(100));
  settleScratch(scratch);
  rmSync(old);
  const lines: string[] = [];
  expect(await checkScratch(scratch, lines)).toMatchObject({ missing: 1, corrupt: 0 });
  expect(lines[0]).toMatch(/^bucket: missing: "a" \(\d+, replaced or deleted since\) part 1: blob/);
});

test("checkDataFolder: an empty catalog is one finding, and a missing one says what to do as well", async () => {
  const advice = "restore the folder of the bucket from a backup";
  const scratch = makeScratch();
  settleScratch(scratch);
  const path = catalogPath(scratch.dataDir, "bucket");
  truncateSync(path);
  const lines: string[] = [];
  expect(await checkScratch(scratch, lines)).toMatchObject({ corrupt: 1, problems: 1 });
  expect(lines[0]).toContain(`The catalog is empty or damaged, it has form 0: ${advice}`);
  rmSync(path);
  expect(await checkScratch(scratch, lines)).toMatchObject({ missing: 1, problems: 1 });
  expect(lines[2]).toContain(advice);
});

test("checkDataFolder: what permissions forbid is unreadable and no damage; the rest is checked", async () => {
  const scratch = makeScratch();
  await scratch.putBlob("a", randomBytes(100));
  await scratch.putBlob("b", randomBytes(100));
  scratch.putInline("c", Buffer.from("c"));
  settleScratch(scratch);
  const [closed = ""] = listBlobPaths(scratch);
  for (const [path, lines] of [
    [closed, ["blob"]],
    [catalogPath(scratch.dataDir, "bucket"), ["The catalog"]],
    [join(scratch.dataDir, "buckets", "bucket", "blobs"), ["blob", "blob", "The folder of blobs"]],
    [join(scratch.dataDir, "buckets"), ["The folder of buckets"]],
  ] as const) {
    const mode = statSync(path).mode;
    chmodSync(path, 0);
    const found = checkAsNobody(scratch);
    chmodSync(path, mode);
    expect(found.result).toMatchObject({ problems: 0, unreadable: lines.length });
    const unreadable = found.lines.filter((line) => line.includes("unreadable: "));
    for (const [index, text] of lines.entries()) expect(unreadable[index]).toContain(text);
    expect(unreadable[0]).toContain("EACCES");
  }
});

/** Checks in a process of a user to whom permissions apply. */
function checkAsNobody({ dataDir, keys }: ScratchBucket): { result: CheckResult; lines: string[] } {
  openForAll(dataDir);
  const program = `
    const { checkDataFolder } = await import(${JSON.stringify(join(import.meta.dir, "check-data-folder.ts"))});
    const { nodeDisk } = await import(${JSON.stringify(join(import.meta.dir, "../blobs/disk.ts"))});
    const clock = { nowMs: () => Date.now(), monotonicMs: () => 0 };
    const [dataDir, key] = process.argv.slice(1);
    const keys = [{ version: 1, key: Buffer.from(key, "base64") }];
    (${becomeNobody.toString()})();
    const lines = [];
    const options = { dataDir, keys, clock, disk: nodeDisk, bucketNames: new Map(), isServed: false };
    const result = await checkDataFolder({ ...options, report: (line) => lines.push(line) });
    console.log(JSON.stringify({ result, lines }));`;
  const key = Buffer.from(keys[0]?.key ?? []).toString("base64");
  const child = Bun.spawnSync([process.execPath, "-e", program, dataDir, key]);
  return JSON.parse(`${child.stdout}` || JSON.stringify(`${child.stderr}`));
}

/** Gives everything that its owner may read to everybody. */
function openForAll(folder: string): void {
  for (const entry of [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)))]) {
    const { mode } = statSync(entry);
    if ((mode & 0o400) !== 0) chmodSync(entry, mode | 0o055);
  }
}
