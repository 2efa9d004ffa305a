import { expect, test } from "bun:test";
import { blobPath, blobsFolder } from "./blob-path.ts";

test("blobPath: below its bucket, in the folder of its first two digits", () => {
  const blobId = "abcdef0123456789abcdef0123456789";
  expect(blobPath("/data", "BUCKET", blobId)).toBe(`/data/buckets/BUCKET/blobs/ab/${blobId}`);
  expect(blobsFolder("/data", "BUCKET")).toBe("/data/buckets/BUCKET/blobs");
});
