import type { Clock } from "#kernel/base/clock.ts";
import type { Mutation, MutationResult } from "#kernel/protocol/mutation.ts";
import { BucketWriter, type PendingMutation } from "../catalog/sqlite-catalog/bucket-writer.ts";
import { describeCommitFailure } from "./commit-failure.ts";

/** Mutations of one transaction at most: bounds the time a commit takes and what a failed one costs. */
const maxMutationsPerCommit = 1_024;
/** Catalogs kept open; the least recently used is closed. */
const maxOpenCatalogs = 256;
/** A catalog's write-ahead log is folded back after about this many bytes. */
const checkpointAfterBytes = 32 * 2 ** 20;
/** Pages a small mutation dirties, as bytes, for the estimate above. */
const mutationOverheadBytes = 12_288;

/** Told of each commit. */
export type CommitObserver = (commit: { readonly mutationCount: number; readonly durationMs: number; readonly ok: boolean }) => void;

/** Mutations that arrived together from one sender; `answer` is called once, after the last of its commits. */
export interface ArrivedBatch {
  readonly mutations: readonly Mutation[];
  readonly bytes: Uint8Array;
  readonly answer: (results: readonly MutationResult[]) => void;
}

interface QueuedMutation extends PendingMutation {
  readonly slot: BatchSlot;
  readonly index: number;
}

interface BatchSlot {
  readonly results: MutationResult[];
  readonly answer: ArrivedBatch["answer"];
  missing: number;
}

/** What the group commit needs from outside. */
export interface GroupCommitOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly minPartBytes: number;
  readonly observe: CommitObserver;
  readonly warn: (message: string, fields: Record<string, string | number | boolean>) => void;
}

/**
 * Owns the writing connections of all buckets. Everything that has arrived for a bucket runs in one transaction and is
 * committed with one sync; then every sender is answered. An idle server pays one sync per request, a busy one shares it.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #open = new Map<string, BucketWriter>();
  readonly #walBytes = new Map<string, number>();
  #queues = new Map<string, QueuedMutation[]>();

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Queues a batch; nothing is written before `run`. */
  add(batch: ArrivedBatch): void {
    const slot: BatchSlot = { results: new Array(batch.mutations.length), answer: batch.answer, missing: batch.mutations.length };
    for (const [index, mutation] of batch.mutations.entries()) {
      const queue = this.#queues.get(mutation.bucketId);
      const queued = { mutation, bytes: batch.bytes, slot, index };
      if (queue) queue.push(queued);
      else this.#queues.set(mutation.bucketId, [queued]);
    }
    if (slot.missing === 0) slot.answer(slot.results);
  }

  /** True while something waits for `run`. */
  get busy(): boolean {
    return this.#queues.size > 0;
  }

  /** Commits everything queued so far, bucket by bucket, and answers. */
  run(): void {
    const queues = this.#queues;
    this.#queues = new Map();
    for (const [bucketId, queue] of queues) {
      for (let start = 0; start < queue.length; start += maxMutationsPerCommit) {
        this.#commit(bucketId, queue.slice(start, start + maxMutationsPerCommit));
      }
    }
  }

  /**
   * The writer of one bucket, opened when needed.
   * @throws CatalogUnavailableError
   */
  writerOf(bucketId: string): BucketWriter {
    let writer = this.#open.get(bucketId);
    if (writer) this.#open.delete(bucketId);
    else writer = new BucketWriter({ dataDir: this.#options.dataDir, bucketId, clock: this.#options.clock, minPartBytes: this.#options.minPartBytes });
    this.#open.set(bucketId, writer);
    if (this.#open.size > maxOpenCatalogs) this.#closeOldest();
    return writer;
  }

  /** Closes the connection of one bucket, if open. */
  closeBucket(bucketId: string): void {
    this.#open.get(bucketId)?.close();
    this.#open.delete(bucketId);
    this.#walBytes.delete(bucketId);
  }

  /** Closes every connection. */
  close(): void {
    for (const bucketId of [...this.#open.keys()]) this.closeBucket(bucketId);
  }

  #commit(bucketId: string, queue: readonly QueuedMutation[]): void {
    const startedMs = this.#options.clock.monotonicMs();
    let results: MutationResult[];
    let ok = true;
    try {
      results = this.writerOf(bucketId).commit(queue);
    } catch (error) {
      ok = false;
      const failure = describeCommitFailure(error);
      this.#options.warn("Commit failed", { bucketId, mutations: queue.length, reason: failure.reason });
      results = queue.map(() => failure.result);
    }
    this.#options.observe({ mutationCount: queue.length, durationMs: this.#options.clock.monotonicMs() - startedMs, ok });
    for (const [position, { slot, index }] of queue.entries()) {
      const result = results[position];
      if (result) slot.results[index] = result;
      slot.missing -= 1;
      if (slot.missing === 0) slot.answer(slot.results);
    }
    this.#checkpointWhenDue(bucketId, queue);
  }

  #checkpointWhenDue(bucketId: string, queue: readonly QueuedMutation[]): void {
    let bytes = this.#walBytes.get(bucketId) ?? 0;
    for (const { mutation } of queue) bytes += mutationOverheadBytes + (mutation.kind === "put" && mutation.bytes.kind === "inline" ? mutation.bytes.slice[1] : 0);
    if (bytes >= checkpointAfterBytes) bytes = this.checkpoint(bucketId) ? 0 : checkpointAfterBytes / 2;
    this.#walBytes.set(bucketId, bytes);
  }

  /** Folds the write-ahead log back into the catalog as far as readers allow. @returns true when all of it was. */
  checkpoint(bucketId: string): boolean {
    try {
      const [row] = this.#open.get(bucketId)?.database.query("PRAGMA wal_checkpoint(PASSIVE)").values() ?? [];
      return row !== undefined && row[0] === 0 && row[1] === row[2];
    } catch (error) {
      this.#options.warn("Checkpoint failed", { bucketId, reason: describeCommitFailure(error).reason });
      return false;
    }
  }

  #closeOldest(): void {
    for (const bucketId of this.#open.keys()) {
      this.closeBucket(bucketId);
      return;
    }
  }
}
