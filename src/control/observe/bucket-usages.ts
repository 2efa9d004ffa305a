import type { BucketUsage, BucketUsageSink } from "#kernel/protocol/bucket-usage.ts";

/** What each bucket holds, as the writer told last. */
export class BucketUsages implements BucketUsageSink {
  readonly #usages = new Map<string, BucketUsage>();
  #isComplete = false;

  take(usages: readonly BucketUsage[], isComplete: boolean): void {
    for (const usage of usages) this.#usages.set(usage.bucketId, usage);
    this.#isComplete = this.#isComplete || isComplete;
  }

  /** Every bucket was told of. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** What a bucket holds, if it was told of. */
  find(bucketId: string): BucketUsage | undefined {
    return this.#usages.get(bucketId);
  }

  /** Forgets the buckets that are no more. */
  keepOnly(buckets: ReadonlyMap<string, unknown>): void {
    for (const bucketId of this.#usages.keys()) if (!buckets.has(bucketId)) this.#usages.delete(bucketId);
  }
}
