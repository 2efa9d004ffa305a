import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileChangedMs, isBlobName, listBlobFiles, listBlobFolders, removeBlobFile } from "./blob-files.ts";
import { blobPath } from "./blob-path.ts";

const dataDir = mkdtempSync(join(tmpdir(), "maxiofs-blob-files-"));
const bucketId = "bucket";
const blobIds = ["ab".repeat(16), `ab${"cd".repeat(15)}`, "0f".repeat(16)];
for (const blobId of blobIds) {
  const path = blobPath(dataDir, bucketId, blobId);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, blobId);
}
mkdirSync(join(dataDir, "buckets", bucketId, "blobs", "stray"));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test("listBlobFolders, listBlobFiles: sorted names; what is absent is empty", () => {
  expect(listBlobFolders(dataDir, bucketId)).toEqual(["0f", "ab"]);
  expect(listBlobFiles(dataDir, bucketId, "ab")).toEqual([blobIds[0] ?? "", blobIds[1] ?? ""]);
  expect(listBlobFolders(dataDir, "none")).toEqual([]);
  expect(listBlobFiles(dataDir, bucketId, "ff")).toEqual([]);
});

test("isBlobName: 32 hex digits in the right folder", () => {
  expect(isBlobName("ab", "ab".repeat(16))).toBe(true);
  for (const name of [
    "ac".repeat(16),
    "AB".repeat(16),
    "ab".repeat(15),
    "ab".repeat(17),
    "ab../../../../../../../../etc/pa",
  ]) {
    expect(isBlobName("ab", name)).toBe(false);
  }
});

test("removeBlobFile: removes one file, and does not mind when it is gone", () => {
  const [, blobId = ""] = blobIds;
  const place = { dataDir, bucketId, folder: "ab" };
  expect(fileChangedMs(place, blobId)).toBeGreaterThan(Date.now() - 60_000);
  removeBlobFile(dataDir, bucketId, blobId);
  removeBlobFile(dataDir, bucketId, blobId);
  expect(fileChangedMs(place, blobId)).toBeUndefined();
  expect(listBlobFiles(dataDir, bucketId, "ab")).toEqual([blobIds[0] ?? ""]);
});
