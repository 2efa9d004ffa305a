import type { BucketEntry } from "../protocol/snapshot.ts";
import { maxLabelledBuckets } from "./slot-layout.ts";

/** Label of everything that has no row of its own. */
const otherBucketLabel = "_other";

/**
 * Which buckets have a label of their own in metrics: the first `maxLabelledBuckets` names of this process's life. A name keeps
 * its row when its bucket is deleted, so that a counter never goes over to another bucket.
 */
export class BucketRows {
  readonly #rows = new Map<string, number>();

  /** The entry with its row, which is given to it now if there is one left. */
  assign(entry: BucketEntry): BucketEntry {
    const found = this.#rows.get(entry.name);
    if (found === undefined && this.#rows.size >= maxLabelledBuckets) return entry;
    const metricsRow = found ?? this.#rows.size + 1;
    this.#rows.set(entry.name, metricsRow);
    return entry.metricsRow === metricsRow ? entry : { ...entry, metricsRow };
  }

  /** The label of a bucket. */
  labelOf(name: string): string {
    return this.#rows.has(name) ? name : otherBucketLabel;
  }

  /** Labels by row. */
  get labels(): readonly string[] {
    return [otherBucketLabel, ...this.#rows.keys()];
  }
}
