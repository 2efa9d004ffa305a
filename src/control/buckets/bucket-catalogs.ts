/** What the control thread asks of the catalog writer about whole buckets. Every call may be repeated. */
export interface BucketCatalogs {
  /** Makes the folder and the empty catalog; durable when it resolves. */
  create(bucketId: string): Promise<void>;
  /** Closes a bucket for ever if it holds neither version nor delete marker; `notEmpty` changes nothing. */
  close(bucketId: string): Promise<"closed" | "notEmpty">;
  /** Removes the folder of a closed bucket. */
  remove(bucketId: string): Promise<void>;
}
