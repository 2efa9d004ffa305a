import { readdirSync } from "node:fs";
import { join } from "node:path";
import { nodeDisk } from "#data/blobs/disk.ts";
import { type CheckResult, checkDataFolder } from "#data/check/check-data-folder.ts";
import { randomBytes } from "#kernel/base/random.ts";
import type { ScratchBucket } from "./scratch-bucket.ts";

/** One of everything: inline and blob, versions and a marker, history, appends, a completed and an open upload, tags. */
export async function fillScratch(scratch: ScratchBucket): Promise<void> {
  scratch.putInline("empty", new Uint8Array());
  scratch.putInline("small", Buffer.from("a small body"));
  scratch.putInline("small", Buffer.from("the second version of a small body"));
  scratch.putInline("ünï/ключ", randomBytes(70_000));
  scratch.putInline("gone", Buffer.from("gone"));
  scratch.delete("gone");
  scratch.writer.setVersioning(1);
  await scratch.putBlob("blob", randomBytes(200_000));
  await scratch.putBlob("blob", randomBytes(10));
  scratch.delete("blob");
  const upload = scratch.createUpload("parts", "upload-1");
  await upload.putPart(
    3,
    randomBytes(70_000),
    `SHA256:${new Bun.CryptoHasher("sha256").update(new Uint8Array(5)).digest("base64")}`,
  );
  await upload.putPart(
    3,
    new Uint8Array(5),
    `SHA256:${new Bun.CryptoHasher("sha256").update(new Uint8Array(5)).digest("base64")}`,
  );
  await upload.putPart(7, randomBytes(65_536));
  await upload.putPart(9, randomBytes(9));
  upload.complete([3, 7]);
  await scratch.putBlob("grown", randomBytes(70_000));
  await scratch.append("grown", randomBytes(7));
  await scratch.append("grown", randomBytes(70_000));
  await scratch.createUpload("parts", "upload-2").putPart(1, randomBytes(100));
}

/** Checks the whole data folder; `lines` gets what is reported. */
export async function checkScratch(scratch: ScratchBucket, lines: string[] = []): Promise<CheckResult> {
  const { dataDir, keys, clock } = scratch;
  const report = (line: string) => lines.push(line);
  const bucketNames = new Map<string, string>();
  return checkDataFolder({ dataDir, keys, bucketNames, isServed: false, disk: nodeDisk, clock, report });
}

/** Closes the catalog, so that its bytes are in one file. */
export function settleScratch(scratch: ScratchBucket): void {
  scratch.commits.checkpoint(scratch.bucketId);
  scratch.commits.close();
}

/** Paths of all files below a folder, sorted. */
export function listScratchFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Paths of the bucket's blob files, sorted. */
export function listBlobPaths(scratch: ScratchBucket): string[] {
  return listScratchFiles(join(scratch.dataDir, "buckets", scratch.bucketId, "blobs"));
}
