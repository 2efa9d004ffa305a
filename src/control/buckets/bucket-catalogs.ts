import type { BucketOwner, Usage } from "#kernel/protocol/quota.ts";

/** What the control thread asks of the catalog writer about whole buckets. Every call may be repeated. */
export interface BucketCatalogs {
  /** Makes the folder and the empty catalog; durable when it resolves. */
  create(bucketId: string, tenantId: string): Promise<void>;
  /** Closes a bucket for ever if it holds neither version nor delete marker; `notEmpty` changes nothing. */
  close(bucketId: string): Promise<"closed" | "notEmpty">;
  /** Removes the folder of a closed bucket. */
  remove(bucketId: string): Promise<void>;
}

/** What the catalog writer knows of the sums that quotas bound. */
export interface CatalogUsage {
  /** Says whose buckets are; those that are not named stay as they are. A new one is its maker's already. */
  own(owners: readonly BucketOwner[]): void;
  /**
   * What buckets hold as of their last commits, by id; one whose catalog cannot be read is not among them.
   * @throws S3Error ServiceUnavailable when there is no writer
   */
  usage(bucketIds: readonly string[]): Promise<ReadonlyMap<string, Usage>>;
}
