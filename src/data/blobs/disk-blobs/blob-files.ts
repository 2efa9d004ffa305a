import { readdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { blobPath, blobsFolder } from "./blob-path.ts";

const folderName = /^[0-9a-f]{2}$/;
const blobName = /^[0-9a-f]{32}$/;

/** True when a file of this name can be a blob of this folder. */
export function isBlobName(folder: string, name: string): boolean {
  return blobName.test(name) && name.startsWith(folder);
}

/** The folders, two hex digits each, that a bucket's blobs are spread over; sorted. */
export function listBlobFolders(dataDir: string, bucketId: string): string[] {
  return listNames(blobsFolder(dataDir, bucketId)).filter((name) => folderName.test(name));
}

/** Names of the files in one of these folders, whatever they are; sorted. */
export function listBlobFiles(dataDir: string, bucketId: string, folder: string): string[] {
  return listNames(join(blobsFolder(dataDir, bucketId), folder));
}

/**
 * When a file in a blob folder was last written, linked or unlinked, ms since 1970; undefined when it is gone. Not the time of its
 * bytes: a blob that was just linked into a bucket has old bytes.
 */
export function fileChangedMs(
  place: { dataDir: string; bucketId: string; folder: string },
  name: string,
): number | undefined {
  const path = join(blobsFolder(place.dataDir, place.bucketId), place.folder, name);
  return statSync(path, { throwIfNoEntry: false })?.ctimeMs;
}

/** Removes a blob's file; one that is gone is fine. */
export function removeBlobFile(dataDir: string, bucketId: string, blobId: string): void {
  try {
    unlinkSync(blobPath(dataDir, bucketId, blobId));
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
