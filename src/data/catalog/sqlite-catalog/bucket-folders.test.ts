import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listBucketFolders } from "./bucket-folders.ts";

test("listBucketFolders: sorted folders, no files; none without a data folder", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "maxiofs-folders-"));
  try {
    expect(listBucketFolders(dataDir)).toEqual([]);
    for (const name of ["b", "a"]) mkdirSync(join(dataDir, "buckets", name), { recursive: true });
    writeFileSync(join(dataDir, "buckets", "file"), "");
    expect(listBucketFolders(dataDir)).toEqual(["a", "b"]);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
