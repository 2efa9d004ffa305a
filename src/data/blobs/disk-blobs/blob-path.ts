import { join } from "node:path";
import { bucketFolder } from "../../catalog/sqlite-catalog/open-catalog.ts";

/** Folder of a bucket's blobs. */
export function blobsFolder(dataDir: string, bucketId: string): string {
  return join(bucketFolder(dataDir, bucketId), "blobs");
}

/** Path of a blob: spread over 256 folders by the first two hex digits of its random id. */
export function blobPath(dataDir: string, bucketId: string, blobId: string): string {
  return join(blobsFolder(dataDir, bucketId), blobId.slice(0, 2), blobId);
}
