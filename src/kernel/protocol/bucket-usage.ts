/** What a bucket holds, as of its last commit. */
export interface BucketUsage {
  readonly bucketId: string;
  /** Newest versions that are no delete markers. */
  readonly objects: number;
  /** Bytes of all versions. */
  readonly bytes: number;
}

/** Takes what the writer tells of buckets. */
export interface BucketUsageSink {
  /** @param isComplete every bucket was told of since the writer's start */
  take(usages: readonly BucketUsage[], isComplete: boolean): void;
}
