import { BucketRows } from "#kernel/metrics/bucket-rows.ts";
import type { KeyEntry } from "#kernel/protocol/identities.ts";
import {
  type BucketEntry,
  type DataSettings,
  type EntryKind,
  entryId,
  type Snapshot,
  type SnapshotChange,
  type SnapshotEntries,
} from "#kernel/protocol/snapshot.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** What a publisher is made of. */
export interface PublisherOptions {
  readonly entries: Snapshot["entries"];
  readonly settings: DataSettings;
  /**
   * Ends a worker that did not acknowledge in time; resolves when it runs no more. Only then is a call answered that
   * waits for it, since until then it may let in a key that was deleted.
   */
  readonly endSilentWorker: (channel: WorkerChannel) => Promise<void>;
  /** A worker that takes longer to acknowledge is ended, ms; 1,000 when absent. */
  readonly silentAfterMs?: number;
  /** The same for a worker that has acknowledged nothing yet because it is starting, ms; 10,000 when absent. */
  readonly startWithinMs?: number;
}

/** For messages that lie unread when the time of a worker is over. */
const lookAgainMs = 100;

interface Worker {
  readonly channel: WorkerChannel;
  /** 0: nothing yet. */
  acknowledged: number;
}

interface Waiting {
  readonly number: number;
  readonly workers: Set<Worker>;
  readonly resolve: (number: number) => void;
  timer: Timer;
}

/**
 * Holds what all workers must know, numbers each change and tells when every live worker has taken it over.
 * A worker gets the whole snapshot when it is attached, then deltas, in order.
 */
export class SnapshotPublisher {
  /** Which buckets have labels of their own in metrics. */
  readonly bucketRows = new BucketRows();
  readonly #entries: { readonly [Kind in EntryKind]: Map<string, SnapshotEntries[Kind]> };
  readonly #workers = new Map<WorkerChannel, Worker>();
  readonly #options: Required<Pick<PublisherOptions, "endSilentWorker" | "silentAfterMs" | "startWithinMs">>;
  #settings: DataSettings;
  #number = 1;
  #waiting: Waiting[] = [];
  #latest: Promise<unknown> = Promise.resolve();

  constructor(options: PublisherOptions) {
    const { entries, settings, endSilentWorker, silentAfterMs = 1000, startWithinMs = 10_000 } = options;
    this.#entries = {
      tenant: mapOf("tenant", entries.tenant),
      user: mapOf("user", entries.user),
      group: mapOf("group", entries.group),
      role: mapOf("role", entries.role),
      policy: mapOf("policy", entries.policy),
      key: mapOf("key", entries.key),
      tokenKey: mapOf("tokenKey", entries.tokenKey),
      revocation: mapOf("revocation", entries.revocation),
      bucket: mapOf(
        "bucket",
        entries.bucket.map((bucket) => this.bucketRows.assign(bucket)),
      ),
    };
    this.#settings = settings;
    this.#options = { endSilentWorker, silentAfterMs, startWithinMs };
  }

  /** All entries of a kind as they are published, by id. */
  entries<Kind extends EntryKind>(kind: Kind): ReadonlyMap<string, SnapshotEntries[Kind]> {
    return this.#entries[kind];
  }

  /** Access keys by id. */
  get keys(): ReadonlyMap<string, KeyEntry> {
    return this.#entries.key;
  }

  /** Buckets by bucket id. */
  get buckets(): ReadonlyMap<string, BucketEntry> {
    return this.#entries.bucket;
  }

  /** The way to every worker that has started. */
  get startedWorkers(): readonly WorkerChannel[] {
    return [...this.#workers.values()].filter(({ acknowledged }) => acknowledged > 0).map(({ channel }) => channel);
  }

  /** Settings of the data plane in force. */
  get settings(): DataSettings {
    return this.#settings;
  }

  /** How many changes the slowest started worker is behind; 0 when all are up to date. */
  get lag(): number {
    const started = [...this.#workers.values()].filter(({ acknowledged }) => acknowledged > 0);
    return Math.max(0, ...started.map(({ acknowledged }) => this.#number - acknowledged));
  }

  /** The whole state at this moment. */
  snapshot(): Snapshot {
    return {
      number: this.#number,
      entries: {
        tenant: [...this.#entries.tenant.values()],
        user: [...this.#entries.user.values()],
        group: [...this.#entries.group.values()],
        role: [...this.#entries.role.values()],
        policy: [...this.#entries.policy.values()],
        key: [...this.#entries.key.values()],
        tokenKey: [...this.#entries.tokenKey.values()],
        revocation: [...this.#entries.revocation.values()],
        bucket: [...this.#entries.bucket.values()],
      },
      settings: this.#settings,
    };
  }

  /** Takes in a worker. The caller sends it the returned snapshot before anything else runs; deltas follow by themselves. */
  attach(channel: WorkerChannel): Snapshot {
    this.#workers.set(channel, { channel, acknowledged: 0 });
    return this.snapshot();
  }

  /** Forgets a worker that ended: nobody waits for it any more. Repeating it is harmless. */
  detach(channel: WorkerChannel): void {
    const worker = this.#workers.get(channel);
    if (worker === undefined) return;
    this.#workers.delete(channel);
    this.#settle(worker, Number.POSITIVE_INFINITY);
  }

  /** A worker has taken over everything up to `number`. */
  acknowledge(channel: WorkerChannel, number: number): void {
    const worker = this.#workers.get(channel);
    if (worker === undefined || number <= worker.acknowledged) return;
    worker.acknowledged = number;
    this.#settle(worker, number);
  }

  /** A worker saw a gap: it gets everything again. */
  resync(channel: WorkerChannel): void {
    if (this.#workers.has(channel)) channel.send({ kind: "snapshot", snapshot: this.snapshot() });
  }

  /**
   * Publishes changes that are committed, at once and in the order of calls.
   * @returns their number, when every live worker has taken them over or was ended.
   */
  publish(wanted: readonly SnapshotChange[]): Promise<number> {
    const number = ++this.#number;
    const changes = wanted.map((change) =>
      change.kind === "bucket" && change.value ? { ...change, value: this.bucketRows.assign(change.value) } : change,
    );
    for (const change of changes) this.#apply(change);
    const workers = new Set(this.#workers.values());
    for (const { channel } of workers) channel.send({ kind: "delta", delta: { number, changes } });
    if (workers.size === 0) return Promise.resolve(number);
    const published = new Promise<number>((resolve) => {
      const timer = setTimeout(() => this.#lookAgain(waiting), this.#options.silentAfterMs);
      const waiting: Waiting = { number, workers, resolve, timer };
      this.#waiting.push(waiting);
    });
    this.#latest = published;
    return published;
  }

  /** Resolves when what has been published so far is taken over by every live worker. */
  async whenCurrent(): Promise<void> {
    await this.#latest;
  }

  #apply(change: SnapshotChange): void {
    switch (change.kind) {
      case "settings":
        this.#settings = change.value;
        break;
      case "tenant":
        replace(this.#entries.tenant, change.id, change.value);
        break;
      case "user":
        replace(this.#entries.user, change.id, change.value);
        break;
      case "group":
        replace(this.#entries.group, change.id, change.value);
        break;
      case "role":
        replace(this.#entries.role, change.id, change.value);
        break;
      case "policy":
        replace(this.#entries.policy, change.id, change.value);
        break;
      case "key":
        replace(this.#entries.key, change.id, change.value);
        break;
      case "tokenKey":
        replace(this.#entries.tokenKey, change.id, change.value);
        break;
      case "revocation":
        replace(this.#entries.revocation, change.id, change.value);
        break;
      case "bucket":
        replace(this.#entries.bucket, change.id, change.value);
    }
  }

  #settle(worker: Worker, number: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.number > number || !waiting.workers.delete(worker) || waiting.workers.size > 0) continue;
      clearTimeout(waiting.timer);
      waiting.resolve(waiting.number);
    }
    this.#waiting = this.#waiting.filter(({ workers }) => workers.size > 0);
  }

  /** Perhaps it was this thread that did not listen: what workers said meanwhile is read first. */
  #lookAgain(waiting: Waiting): void {
    waiting.timer = setTimeout(() => this.#endSilent(waiting, false), lookAgainMs);
  }

  #endSilent(waiting: Waiting, startIsOver: boolean): void {
    const silent = [...waiting.workers].filter(({ acknowledged }) => startIsOver || acknowledged > 0);
    if (!startIsOver && silent.length < waiting.workers.size) {
      waiting.timer = setTimeout(() => this.#endSilent(waiting, true), this.#options.startWithinMs);
    }
    for (const { channel } of silent) {
      const forget = () => this.detach(channel);
      this.#options.endSilentWorker(channel).then(forget, forget);
    }
  }
}

function mapOf<Kind extends EntryKind>(
  kind: Kind,
  entries: readonly SnapshotEntries[Kind][],
): Map<string, SnapshotEntries[Kind]> {
  return new Map(entries.map((entry) => [entryId[kind](entry), entry]));
}

function replace<V>(map: Map<string, V>, id: string, value: V | null): void {
  if (value === null) map.delete(id);
  else map.set(id, value);
}
