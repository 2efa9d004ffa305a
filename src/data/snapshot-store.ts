import type { BucketEntry, DataSettings, KeyEntry, Snapshot, SnapshotDelta } from "#kernel/protocol/snapshot.ts";

/** A worker's copy of the control state: replaced by snapshots, moved on by deltas, never changed by requests. */
export class SnapshotStore {
  #number = 0;
  #settings: DataSettings;
  readonly #keys = new Map<string, KeyEntry>();
  readonly #bucketsById = new Map<string, BucketEntry>();
  readonly #bucketsByName = new Map<string, BucketEntry>();
  readonly #onDeleted: (bucketId: string) => void;

  /** @param onDeleted told of each bucket that a delta or a snapshot takes away */
  constructor(snapshot: Snapshot, onDeleted: (bucketId: string) => void = () => {}) {
    this.#onDeleted = onDeleted;
    this.#settings = snapshot.settings;
    this.replace(snapshot);
  }

  get number(): number {
    return this.#number;
  }

  get settings(): DataSettings {
    return this.#settings;
  }

  /** The identity of an enabled access key. */
  findKey(accessKeyId: string): KeyEntry | undefined {
    const entry = this.#keys.get(accessKeyId);
    return entry?.enabled ? entry : undefined;
  }

  findBucket(name: string): BucketEntry | undefined {
    return this.#bucketsByName.get(name);
  }

  /** All buckets, in no order. */
  buckets(): IterableIterator<BucketEntry> {
    return this.#bucketsById.values();
  }

  replace(snapshot: Snapshot): void {
    this.#number = snapshot.number;
    this.#settings = snapshot.settings;
    const before = [...this.#bucketsById.keys()];
    this.#keys.clear();
    this.#bucketsById.clear();
    this.#bucketsByName.clear();
    for (const key of snapshot.keys) this.#keys.set(key.accessKeyId, key);
    for (const bucket of snapshot.buckets) this.#setBucket(bucket.bucketId, bucket);
    for (const bucketId of before) if (!this.#bucketsById.has(bucketId)) this.#onDeleted(bucketId);
  }

  /** @returns false when the delta does not follow the state: the worker must ask for a full snapshot */
  apply(delta: SnapshotDelta): boolean {
    if (delta.number !== this.#number + 1) return false;
    for (const change of delta.changes) {
      if (change.kind === "settings") this.#settings = change.value;
      else if (change.kind === "bucket") this.#setBucket(change.id, change.value);
      else if (change.value) this.#keys.set(change.id, change.value);
      else this.#keys.delete(change.id);
    }
    this.#number = delta.number;
    return true;
  }

  #setBucket(bucketId: string, value: BucketEntry | null): void {
    const old = this.#bucketsById.get(bucketId);
    if (old && this.#bucketsByName.get(old.name) === old) this.#bucketsByName.delete(old.name);
    this.#bucketsById.delete(bucketId);
    if (!value) {
      this.#onDeleted(bucketId);
      return;
    }
    this.#bucketsById.set(bucketId, value);
    this.#bucketsByName.set(value.name, value);
  }
}
