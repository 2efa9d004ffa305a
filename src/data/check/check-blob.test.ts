import { afterAll, expect, test } from "bun:test";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { type Disk, nodeDisk } from "../blobs/disk.ts";
import { checkDataFolder } from "./check-data-folder.ts";

const scratch = new ScratchBucket();
afterAll(() => scratch.remove());

test.each([
  ["ENOENT", "missing"],
  ["EACCES", "unreadable"],
  ["EPERM", "unreadable"],
  ["EIO", "corrupt"],
] as const)("checkBlob: a blob that the system answers with %s is %s", async (code, kind) => {
  scratch.delete("k");
  await scratch.putBlob("k", new Uint8Array(300_000));
  scratch.commits.closeBucket("bucket");
  const refuse = async (path: string) => {
    throw Object.assign(new Error(`${code}: refused, open '${path}'`), { code });
  };
  const disk: Disk = { ...nodeDisk, openToRead: refuse };
  const lines: string[] = [];
  const { dataDir, keys, clock } = scratch;
  const own = { dataDir, keys, clock, bucketNames: new Map<string, string>(), isServed: false };
  const result = await checkDataFolder({ ...own, disk, report: (line) => lines.push(line) });
  const counts = { missing: 0, corrupt: 0, unreadable: 0, [kind]: result[kind] };
  expect(result).toMatchObject(counts);
  expect([result[kind] > 0, result.problems]).toEqual([true, kind === "unreadable" ? 0 : result[kind]]);
  expect(lines[0]).toContain(kind);
  if (kind === "unreadable") expect(lines[0]).toContain(`${code}: refused, open '${dataDir}`);
});
