import type { Clock } from "#kernel/base/clock.ts";
import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import type { Mutation, MutationResult } from "#kernel/protocol/mutation.ts";
import { ChangeSlots } from "../cache/change-slots.ts";
import { maxOpenCatalogs } from "../catalog/open-catalogs.ts";
import { BucketWriter, type PendingMutation } from "../catalog/sqlite-catalog/bucket-writer.ts";
import type { FileId } from "../catalog/sqlite-catalog/file-id.ts";
import type { UsageLedger } from "../quota/usage-ledger.ts";
import { describeCommitFailure } from "./commit-failure.ts";
import { commitWithRetries } from "./commit-with-retries.ts";

/** Mutations of one transaction at most: bounds the time a commit takes and what a failed one costs. */
const maxMutationsPerCommit = 1_024;
/** Inline bytes of one transaction at most, but for a single larger body: bounds the write-ahead log of a commit. */
const maxInlineBytesPerCommit = 16 * 2 ** 20;
/** A catalog's write-ahead log is folded back after about this many bytes. */
const checkpointAfterBytes = 64 * 2 ** 20;
/** Pages a small mutation dirties, as bytes, for the estimate above. */
const mutationOverheadBytes = 12_288;
/**
 * The same, whatever the estimate says, when the log's file has grown by so much: a copy or an append of an object with
 * thousands of blobs dirties thousands of pages.
 */
const longLogBytes = 128 * 2 ** 20;

/** Requests that a line about a failed transaction names. */
const maxLoggedRequests = 8;

/** Told of each commit. */
export type CommitObserver = (commit: {
  readonly mutationCount: number;
  readonly durationMs: number;
  readonly ok: boolean;
  /** Bytes of each object that was stored. */
  readonly storedBytes: readonly number[];
}) => void;

/** The commit of a traced mutation. */
export interface TracedCommit {
  /** `traceparent` of what waits for it. */
  readonly trace: string;
  readonly bucketId: string;
  /** Of the whole transaction. */
  readonly mutationCount: number;
  readonly startedMs: number;
  readonly durationMs: number;
  /** The server failed to commit it. */
  readonly isError: boolean;
}

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
  /** Catalogs kept open, 256 when absent; the least recently used is closed. */
  readonly maxOpenCatalogs?: number | undefined;
  readonly clock: Clock;
  readonly minPartBytes: number;
  /** Where readers see which keys may have changed. */
  readonly changes: ChangeSlots;
  readonly observe: CommitObserver;
  readonly warn: (message: string, fields: Record<string, string | number | boolean>) => void;
  /** Told of what is wrong with a bucket's catalog. */
  readonly problems: CatalogProblemSink;
  /** Gives up the room that is kept for deletes on a full disk. @returns true when there was some */
  readonly giveUpBallast: () => boolean;
  /** What buckets and tenants hold. */
  readonly usage: UsageLedger;
  /** Told of each traced mutation's commit. */
  readonly traced?: (commit: TracedCommit) => void;
  /** Told of what a bucket holds after a commit. */
  readonly noteUsage?: (bucketId: string, counters: BucketWriter["counters"]) => void;
}

/**
 * Owns the writing connections of all buckets. Everything that has arrived for a bucket runs in one transaction and is
 * committed with one sync; then every sender is answered. An idle server pays one sync per request, a busy one shares it.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #open = new Map<string, BucketWriter>();
  /** What was opened for each bucket in this life: anything else that stands there later is a replacement. */
  readonly #files = new Map<string, FileId>();
  readonly #walBytes = new Map<string, number>();
  /** How long a log was when it could not be folded back whole. */
  readonly #unfoldedBytes = new Map<string, number>();
  #queues = new Map<string, QueuedMutation[]>();

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Queues a batch; nothing is written before `run`. */
  add(batch: ArrivedBatch): void {
    const slot: BatchSlot = {
      results: new Array(batch.mutations.length),
      answer: batch.answer,
      missing: batch.mutations.length,
    };
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
      for (const piece of splitQueue(queue)) this.#commit(bucketId, piece);
    }
  }

  /**
   * The writer of one bucket, opened when needed.
   * @throws CatalogUnavailableError
   */
  writerOf(bucketId: string): BucketWriter {
    let writer = this.#open.get(bucketId);
    if (writer) this.#open.delete(bucketId);
    else
      writer = new BucketWriter({
        dataDir: this.#options.dataDir,
        bucketId,
        clock: this.#options.clock,
        minPartBytes: this.#options.minPartBytes,
        knownFile: this.#files.get(bucketId),
        tenants: this.#options.usage,
      });
    this.#files.set(bucketId, writer.file);
    this.#open.set(bucketId, writer);
    if (this.#open.size > (this.#options.maxOpenCatalogs ?? maxOpenCatalogs)) this.#closeOldest();
    return writer;
  }

  /** Gives up the room that is kept for deletes on a full disk. @returns true when there was some */
  giveUpBallast(): boolean {
    return this.#options.giveUpBallast();
  }

  /** Closes the connection of one bucket, if open. */
  closeBucket(bucketId: string): void {
    this.#open.get(bucketId)?.close();
    this.#open.delete(bucketId);
    this.#walBytes.delete(bucketId);
    this.#unfoldedBytes.delete(bucketId);
  }

  /** Closes the connection of a bucket whose folder is to be removed, and forgets which file it had. */
  forgetBucket(bucketId: string): void {
    this.closeBucket(bucketId);
    this.#files.delete(bucketId);
    this.#options.usage.forget(bucketId);
  }

  /** The connections that are open, in no order. */
  openWriters(): IterableIterator<BucketWriter> {
    return this.#open.values();
  }

  /** True when a catalog of this bucket was opened in this life. */
  hasOpened(bucketId: string): boolean {
    return this.#files.has(bucketId);
  }

  /** Closes every connection. */
  close(): void {
    for (const bucketId of [...this.#open.keys()]) this.closeBucket(bucketId);
  }

  #commit(bucketId: string, queue: readonly QueuedMutation[]): void {
    const startedMs = this.#options.clock.monotonicMs();
    let ok = true;
    const changed = new Set(queue.map(({ mutation }) => ChangeSlots.slotOf(bucketId, mutation.key)));
    this.#options.changes.advance(changed);
    const results = commitWithRetries(queue, {
      commit: (pending) => this.writerOf(bucketId).commit(pending),
      freeRoom: this.#options.giveUpBallast,
      report: ({ reason, problem: kind }, pending) => {
        ok = false;
        if (kind) this.#options.problems.report({ bucketId, kind, reason });
        else this.#options.warn("Commit failed", { bucketId, ...describePending(pending), reason });
      },
    });
    this.#options.changes.advance(changed);
    const durationMs = this.#options.clock.monotonicMs() - startedMs;
    this.#options.observe({
      mutationCount: queue.length,
      durationMs,
      ok,
      storedBytes: queue.flatMap(({ mutation }, index) => storedBytesOf(mutation, results[index])),
    });
    const counters = this.#open.get(bucketId)?.counters;
    if (counters) this.#options.noteUsage?.(bucketId, counters);
    for (const [position, { mutation, slot, index }] of queue.entries()) {
      const result = results[position];
      if (mutation.trace !== undefined) {
        const { trace } = mutation;
        this.#options.traced?.({ trace, bucketId, mutationCount: queue.length, startedMs, durationMs, isError: !ok });
      }
      if (result) slot.results[index] = result;
      slot.missing -= 1;
      if (slot.missing === 0) slot.answer(slot.results);
    }
    this.#checkpointWhenDue(bucketId, queue);
  }

  #checkpointWhenDue(bucketId: string, queue: readonly QueuedMutation[]): void {
    let bytes = this.#walBytes.get(bucketId) ?? 0;
    for (const { mutation } of queue) bytes += mutationOverheadBytes + inlineBytes(mutation);
    if (bytes >= checkpointAfterBytes) bytes = this.checkpoint(bucketId) ? 0 : checkpointAfterBytes / 2;
    else if (this.checkpointWhenLong(bucketId)) bytes = 0;
    this.#walBytes.set(bucketId, bytes);
  }

  /** Folds the log back when its file has grown long. @returns true when all of it was */
  checkpointWhenLong(bucketId: string): boolean {
    const logBytes = this.#open.get(bucketId)?.logBytes ?? 0;
    if (logBytes - (this.#unfoldedBytes.get(bucketId) ?? 0) < longLogBytes) return false;
    const isFolded = this.checkpoint(bucketId);
    this.#unfoldedBytes.set(bucketId, isFolded ? 0 : logBytes);
    return isFolded;
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

/** How many mutations, and the requests of the first of them. */
function describePending(pending: readonly PendingMutation[]): { mutations: number; requestId: string } {
  const ids = pending.slice(0, maxLoggedRequests).map(({ mutation }) => mutation.requestId);
  return { mutations: pending.length, requestId: ids.join(",") };
}

/** Cuts a queue into transactions that stay within both limits; order is kept. */
function* splitQueue(queue: readonly QueuedMutation[]): Generator<readonly QueuedMutation[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, { mutation }] of queue.entries()) {
    const more = inlineBytes(mutation);
    if (index > start && (index - start === maxMutationsPerCommit || bytes + more > maxInlineBytesPerCommit)) {
      yield queue.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += more;
  }
  yield start === 0 ? queue : queue.slice(start);
}

/** Size of the version that a mutation made, if it did. */
function storedBytesOf(mutation: Mutation, result: MutationResult | undefined): readonly number[] {
  const makesObject = mutation.kind === "put" || mutation.kind === "completeUpload";
  return makesObject && result?.ok === true ? [mutation.sizeBytes] : [];
}

function inlineBytes(mutation: Mutation): number {
  return mutation.kind === "put" && mutation.bytes.kind === "inline" ? mutation.bytes.slice[1] : 0;
}
