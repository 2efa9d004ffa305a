import { afterAll, expect, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { bucketFolder, catalogPath } from "./open-catalog.ts";
import { readUsage } from "./read-usage.ts";

const scratch = new ScratchBucket();
afterAll(() => scratch.remove());

test("readUsage: what was committed, with and without a connection; nothing appears beside the catalog", () => {
  expect(readUsage(scratch.dataDir, "bucket")).toEqual({ bytes: 0, objects: 0 });
  scratch.putInline("a", new Uint8Array(10));
  scratch.putInline("b", new Uint8Array(5));
  expect(readUsage(scratch.dataDir, "bucket")).toEqual({ bytes: 15, objects: 2 });
  scratch.commits.closeBucket("bucket");
  const before = readdirSync(bucketFolder(scratch.dataDir, "bucket"));
  expect(readUsage(scratch.dataDir, "bucket")).toEqual({ bytes: 15, objects: 2 });
  expect(readdirSync(bucketFolder(scratch.dataDir, "bucket"))).toEqual(before);
});

test("readUsage: a bucket without a folder holds nothing; one whose catalog is lost has no usage", () => {
  expect(readUsage(scratch.dataDir, "absent")).toEqual({ bytes: 0, objects: 0 });
  scratch.commits.closeBucket("bucket");
  rmSync(catalogPath(scratch.dataDir, "bucket"));
  expect(() => readUsage(scratch.dataDir, "bucket")).toThrow(expect.objectContaining({ kind: "lost" }));
});
