import { hasBucketFolder } from "../catalog/sqlite-catalog/has-bucket-folder.ts";

/** Where a bucket is looked for. */
export interface BucketPlaces {
  readonly dataDir: string;
  /** By id. */
  readonly bucketNames: ReadonlyMap<string, string>;
}

/** The id of a bucket given by its name, or by its id when it has a folder; undefined when there is none. */
export function findBucket({ dataDir, bucketNames }: BucketPlaces, wanted: string): string | undefined {
  for (const [bucketId, name] of bucketNames) if (name === wanted) return bucketId;
  return /^[0-9A-Za-z]+$/.test(wanted) && hasBucketFolder(dataDir, wanted) ? wanted : undefined;
}
