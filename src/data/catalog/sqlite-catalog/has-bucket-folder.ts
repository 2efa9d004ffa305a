import { existsAt } from "./file-id.ts";
import { bucketFolder } from "./open-catalog.ts";

/** Whether the folder of a bucket is there, whatever is in it. @throws the error of the system when that cannot be told */
export function hasBucketFolder(dataDir: string, bucketId: string): boolean {
  return existsAt(bucketFolder(dataDir, bucketId));
}
