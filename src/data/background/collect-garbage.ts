import type { Clock } from "#kernel/base/clock.ts";
import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import { removeBlobFile } from "../blobs/disk-blobs/blob-files.ts";
import { isReferenced } from "../catalog/sqlite-catalog/blob-references.ts";
import { listBucketFolders } from "../catalog/sqlite-catalog/bucket-folders.ts";
import { freeDetail } from "../catalog/sqlite-catalog/extent-lists.ts";
import { msToHlc } from "../catalog/version-id.ts";
import { isNoRoom } from "../writer/commit-failure.ts";
import type { GroupCommit } from "../writer/group-commit.ts";
import type { TaskObserver } from "../writer/writer-metrics.ts";
import { OrphanScan } from "./orphan-scan.ts";
import { reportFailure } from "./report-failure.ts";

const stepIntervalMs = 5_000;
/** Rows or files of one step: a step must not hold up commits. */
const stepRows = 200;
/** Extents of the versions of one step; a version goes with all of its own, which may be more. */
const stepExtents = 2_000;
/** Buckets without work are passed over until a tick has taken this long. */
const tickBudgetMs = 10;
const dayMs = 86_400_000;
/** Never less, whatever the setting says: a reader that began earlier may still be reading. */
const minWindowMs = 3_600_000;

const sql = {
  expired: "SELECT row_id, detail_id FROM closed_version WHERE until_hlc < ? ORDER BY row_id LIMIT ?",
  deleteClosed: "DELETE FROM closed_version WHERE row_id = ?",
  anyEndedUpload: "SELECT 1 FROM upload WHERE state = 1 AND ended_hlc < ? LIMIT 1",
  endedUploads: "DELETE FROM upload WHERE state = 1 AND ended_hlc < ?",
  garbage: "SELECT blob_id FROM garbage_blob WHERE since_hlc < ? LIMIT ?",
  forgetGarbage: "DELETE FROM garbage_blob WHERE blob_id = ?",
} as const;

/** What the collector needs. */
export interface GarbageCollectorOptions {
  readonly dataDir: string;
  readonly commits: GroupCommit;
  readonly clock: Clock;
  readonly windowMs: number;
  readonly warn: (message: string, fields: Record<string, string | number | boolean>) => void;
  /** Told of what is wrong with a bucket's catalog. */
  readonly problems: CatalogProblemSink;
  /** Told of each step of collection and of the scan for files without name. */
  readonly observeTask?: TaskObserver;
}

/**
 * Frees what the history's window has left behind, in bounded steps of the writer thread: closed versions first, then
 * blobs that nothing names any more, then files that never were named. A file is removed only after the catalog itself
 * was asked for references to it.
 */
export class GarbageCollector {
  readonly #options: GarbageCollectorOptions;
  readonly #orphans: OrphanScan;
  #buckets: string[] = [];
  /** Buckets closed for ever: their folders go as a whole, an hour after they were deleted. */
  readonly #closed = new Set<string>();
  #timer: ReturnType<typeof setInterval> | undefined;
  windowMs: number;

  constructor(options: GarbageCollectorOptions) {
    this.#options = options;
    this.#orphans = new OrphanScan(options);
    this.windowMs = options.windowMs;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#tick().catch((error: unknown) => reportFailure(this.#options, "", error));
    }, stepIntervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * One step for one bucket.
   * @returns true when there may be more to do at once
   */
  collect(bucketId: string): boolean {
    if (this.#isClosed(bucketId)) return false;
    // A catalog that was replaced may need the blobs that this one has no use for.
    const { commits } = this.#options;
    commits.writerOf(bucketId).requireInPlace();
    commits.checkpointWhenLong(bucketId);
    const cutHlc = msToHlc(this.#options.clock.nowMs() - Math.max(this.windowMs, minWindowMs));
    const hasMoreClosed = this.#purgeClosed(bucketId, cutHlc);
    const blobCount = this.#removeBlobs(bucketId, cutHlc);
    return hasMoreClosed || blobCount === stepRows;
  }

  /** One step of the scan for files that nothing names: a folder of one bucket, or a piece of it. */
  scanOrphans(): Promise<void> {
    return this.#orphans.step();
  }

  /** A closed bucket's catalog is not kept open: whatever opened it again, the writer lets it go here. */
  #isClosed(bucketId: string): boolean {
    const { commits } = this.#options;
    if (!this.#closed.has(bucketId) && !commits.writerOf(bucketId).closedForEver) return false;
    this.#closed.add(bucketId);
    commits.closeBucket(bucketId);
    return true;
  }

  #listBuckets(): string[] {
    const found = listBucketFolders(this.#options.dataDir);
    const present = new Set(found);
    for (const bucketId of this.#closed) if (!present.has(bucketId)) this.#closed.delete(bucketId);
    return found;
  }

  async #tick(): Promise<void> {
    const { commits, clock } = this.#options;
    const startMs = clock.monotonicMs();
    const endMs = startMs + tickBudgetMs;
    let ok = true;
    while (!commits.busy && clock.monotonicMs() < endMs) {
      if (this.#buckets.length === 0) this.#buckets = this.#listBuckets();
      const bucketId = this.#buckets.pop();
      if (bucketId === undefined) break;
      const outcome = this.#collectSafely(bucketId);
      if (outcome === "more") this.#buckets.push(bucketId);
      ok = ok && outcome !== "failed";
      if (this.#buckets.length === 0) break;
    }
    this.#options.observeTask?.("garbage", clock.monotonicMs() - startMs, ok);
    if (!commits.busy) await this.#scanSafely();
  }

  async #scanSafely(): Promise<void> {
    const { clock, observeTask } = this.#options;
    const startMs = clock.monotonicMs();
    let ok = true;
    await this.scanOrphans().catch((error: unknown) => {
      ok = false;
      reportFailure(this.#options, this.#orphans.bucketId, error);
    });
    observeTask?.("orphan_scan", clock.monotonicMs() - startMs, ok);
  }

  #collectSafely(bucketId: string): "done" | "more" | "failed" {
    try {
      return this.collect(bucketId) ? "more" : "done";
    } catch (error) {
      // Freeing takes room too: on a full disk the reserve is there for it.
      if (isNoRoom(error) && this.#options.commits.giveUpBallast()) return "more";
      reportFailure(this.#options, bucketId, error);
      return "failed";
    }
  }

  /** @returns true when there may be more */
  #purgeClosed(bucketId: string, cutHlc: number): boolean {
    const writer = this.#options.commits.writerOf(bucketId);
    const { database } = writer;
    const rows = database.query(sql.expired).values(cutHlc, stepRows) as [rowId: number, detailId: number | null][];
    const uploadCutHlc = msToHlc(this.#options.clock.nowMs() - dayMs);
    if (rows.length === 0 && database.query(sql.anyEndedUpload).values(uploadCutHlc).length === 0) return false;
    let doneCount = 0;
    writer.inTransaction((state) => {
      const hlc = state.nextHlc(this.#options.clock.nowMs());
      let extentCount = 0;
      for (const [rowId, detailId] of rows) {
        if (extentCount >= stepExtents) break;
        doneCount += 1;
        database.query(sql.deleteClosed).run(rowId);
        if (detailId === null) continue;
        extentCount += freeDetail(writer.statements, detailId, hlc);
      }
      database.query(sql.endedUploads).run(uploadCutHlc);
    });
    return doneCount === stepRows || doneCount < rows.length;
  }

  #removeBlobs(bucketId: string, cutHlc: number): number {
    const { dataDir, commits } = this.#options;
    const writer = commits.writerOf(bucketId);
    const { database } = writer;
    const blobs = database.query(sql.garbage).values(cutHlc, stepRows) as [blobId: string][];
    if (blobs.length === 0) return 0;
    for (const [blobId] of blobs) {
      if (!isReferenced(database, blobId)) removeBlobFile(dataDir, bucketId, blobId);
    }
    writer.inTransaction(() => {
      for (const [blobId] of blobs) database.query(sql.forgetGarbage).run(blobId);
    });
    return blobs.length;
  }
}
