import type { Clock } from "#kernel/base/clock.ts";
import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import { nodeDisk } from "../blobs/disk.ts";
import {
  fileChangedMs,
  isBlobName,
  listBlobFiles,
  listBlobFolders,
  removeBlobFile,
} from "../blobs/disk-blobs/blob-files.ts";
import { blobPath } from "../blobs/disk-blobs/blob-path.ts";
import { findFooter } from "../blobs/disk-blobs/verify-blob.ts";
import { describeProblem, findProblemKind } from "../catalog/catalog-problem.ts";
import { isNamed } from "../catalog/sqlite-catalog/blob-references.ts";
import { listBucketFolders } from "../catalog/sqlite-catalog/bucket-folders.ts";
import { verifyCatalog } from "../catalog/sqlite-catalog/verify-catalog.ts";
import { isUnavailable } from "../catalog/unavailable.ts";
import type { GroupCommit } from "../writer/group-commit.ts";

/** A file without reference is left alone until it has been untouched for this long. */
const graceMs = 86_400_000;
/** Names of one step: each is a look-up in the catalog. */
const stepNames = 200;
/** Catalogs above this size are not verified here: it would hold up commits. Their finished orphans are only counted. */
const maxVerifiedPages = 4_096;

/** What the scan needs. */
export interface OrphanScanOptions {
  readonly dataDir: string;
  readonly commits: GroupCommit;
  readonly clock: Clock;
  readonly warn: (message: string, fields: Record<string, string | number | boolean>) => void;
  /** Told of what is wrong with a bucket's catalog. */
  readonly problems: CatalogProblemSink;
}

interface BucketScan {
  readonly bucketId: string;
  readonly folders: string[];
  /** Outcome of verifying the catalog, once it was needed. */
  trusted: boolean | undefined;
  removed: number;
  left: number;
}

/**
 * Looks for blob files that a crash left behind before their commit, one folder of one bucket a step. A file that nothing
 * names, untouched for a day, is removed
 * - when it was never finished: no commit can ever have named it, since blobs are finished and synced first;
 * - when it was finished and the whole catalog has just been verified, so that "nothing names it" is known and not a sign
 *   of lost rows. Where the catalog is damaged or too large to be verified in between, it stays and is reported.
 */
export class OrphanScan {
  readonly #options: OrphanScanOptions;
  #buckets: string[] = [];
  #scan: BucketScan | undefined;
  #bucketId = "";
  #folder = "";
  #names: string[] = [];

  constructor(options: OrphanScanOptions) {
    this.#options = options;
  }

  /** The bucket whose folders were looked at last; empty where the list of buckets was. */
  get bucketId(): string {
    return this.#bucketId;
  }

  /** One bounded step; goes round all buckets for ever. */
  async step(): Promise<void> {
    const { dataDir } = this.#options;
    if (this.#names.length === 0) {
      const scan = this.#scan ?? this.#nextBucket();
      if (!scan) return;
      this.#scan = scan;
      const folder = scan.folders.pop();
      if (folder === undefined) {
        this.#endBucket(scan);
        return;
      }
      this.#folder = folder;
      this.#names = listBlobFiles(dataDir, scan.bucketId, folder);
    }
    if (this.#scan) await this.#judgeNames(this.#scan, this.#names.splice(-stepNames));
  }

  #nextBucket(): BucketScan | undefined {
    const { dataDir } = this.#options;
    this.#bucketId = "";
    if (this.#buckets.length === 0) this.#buckets = listBucketFolders(dataDir);
    const bucketId = this.#buckets.pop();
    if (bucketId === undefined) return undefined;
    this.#bucketId = bucketId;
    return { bucketId, folders: listBlobFolders(dataDir, bucketId), trusted: undefined, removed: 0, left: 0 };
  }

  #endBucket({ bucketId, removed, left }: BucketScan): void {
    this.#scan = undefined;
    if (removed > 0) this.#options.warn("Blobs of interrupted writes were removed", { bucketId, count: removed });
    if (left > 0) this.#options.warn("Blobs that nothing names were left for a check", { bucketId, count: left });
  }

  async #judgeNames(scan: BucketScan, names: readonly string[]): Promise<void> {
    try {
      for (const name of names) if (this.#isOldOrphan(scan, name)) await this.#judge(scan, name);
    } catch (error) {
      const kind = findProblemKind(error);
      if (!kind || !isUnavailable(error)) throw error;
      this.#options.problems.report({ bucketId: scan.bucketId, kind, reason: describeProblem(error) });
      this.#scan = undefined;
      this.#names = [];
    }
  }

  #isOldOrphan({ bucketId }: BucketScan, name: string): boolean {
    const { dataDir, commits, clock } = this.#options;
    if (!isBlobName(this.#folder, name)) return false;
    if (isNamed(commits.writerOf(bucketId).database, name)) return false;
    const changedMs = fileChangedMs({ dataDir, bucketId, folder: this.#folder }, name);
    return changedMs !== undefined && clock.nowMs() - changedMs > graceMs;
  }

  async #judge(scan: BucketScan, name: string): Promise<void> {
    const { dataDir, commits } = this.#options;
    const isFinished = (await findFooter(nodeDisk, blobPath(dataDir, scan.bucketId, name))) !== undefined;
    if (isFinished) scan.trusted ??= this.#verify(scan.bucketId);
    // Asked again: reading the footer took a while, and a copy may have linked the blob meanwhile.
    if (!this.#isOldOrphan(scan, name)) return;
    if (isFinished && !scan.trusted) {
      scan.left += 1;
      return;
    }
    commits.writerOf(scan.bucketId).requireInPlace();
    removeBlobFile(dataDir, scan.bucketId, name);
    scan.removed += 1;
  }

  #verify(bucketId: string): boolean {
    const { commits, problems } = this.#options;
    const { database } = commits.writerOf(bucketId);
    const pages = Number(database.query("PRAGMA page_count").values()[0]?.[0]);
    if (pages > maxVerifiedPages) return false;
    for (const finding of verifyCatalog(database)) {
      if (finding.kind !== "damaged" && finding.kind !== "drifted") continue;
      problems.report({ bucketId, kind: "damaged", reason: finding.text });
      return false;
    }
    return true;
  }
}
