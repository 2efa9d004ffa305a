import type { Database } from "bun:sqlite";
import type { Clock } from "#kernel/base/clock.ts";
import type { Mutation, MutationResult } from "#kernel/protocol/mutation.ts";
import type { Usage } from "#kernel/protocol/quota.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { blobPath } from "../../blobs/disk-blobs/blob-path.ts";
import { applyDelete } from "./apply-delete.ts";
import { applyAbortUpload, applyCompleteUpload, applyCreateUpload, applyPutPart } from "./apply-multipart.ts";
import { applyPut } from "./apply-put.ts";
import { BucketState } from "./bucket-state.ts";
import { CatalogPlace } from "./catalog-place.ts";
import { existsAt, type FileId } from "./file-id.ts";
import { catalogPath, openCatalog } from "./open-catalog.ts";
import type { TenantUsage } from "./require-quota.ts";
import { prepareWriterStatements, type WriterStatements } from "./statements.ts";

/** Records that may be left in a log that nobody reads. */
const logCutRecords = 512;

/** What one mutation needs while it is applied. */
export interface CommitContext {
  readonly bucketId: string;
  readonly statements: WriterStatements;
  readonly state: BucketState;
  readonly clock: Clock;
  /** Inline bodies of the batch the mutation came in. */
  readonly bytes: Uint8Array;
  /** Parts below this size are refused, except the last one. */
  readonly minPartBytes: number;
  /** Whether a blob's file is there now. Files are removed by this thread only. */
  readonly hasBlob: (blobId: string) => boolean;
  readonly tenants: TenantUsage;
}

/** The sums of a tenant that has no other bucket. */
const lonelyBucket: TenantUsage = { note: () => {}, ofOthers: () => ({ bytes: 0, objects: 0 }) };

/** A mutation with the buffer its slices point into. */
export interface PendingMutation {
  readonly mutation: Mutation;
  readonly bytes: Uint8Array;
}

/**
 * The one writing connection of a bucket's catalog. Preconditions are evaluated inside the transaction, so they are
 * linearizable; a refused mutation has written nothing when it throws.
 */
export class BucketWriter {
  readonly bucketId: string;
  readonly #database: Database;
  readonly #statements: WriterStatements;
  readonly #state: BucketState;
  #firstLogSeq: number;
  readonly #clock: Clock;
  readonly #minPartBytes: number;
  readonly #hasBlob: (blobId: string) => boolean;
  readonly #place: CatalogPlace;
  readonly #tenants: TenantUsage;
  #isLost = false;

  /**
   * @param options `knownFile` is what an earlier connection had open, so that a replacement is refused; without
   * `tenants` the bucket is the only one of its tenant
   * @throws CatalogUnavailableError
   */
  constructor(options: {
    dataDir: string;
    bucketId: string;
    clock: Clock;
    minPartBytes: number;
    knownFile?: FileId | undefined;
    tenants?: TenantUsage;
  }) {
    this.bucketId = options.bucketId;
    this.#place = new CatalogPlace(catalogPath(options.dataDir, options.bucketId), options.knownFile);
    this.#database = openCatalog(options.dataDir, options.bucketId, "write");
    try {
      this.#statements = prepareWriterStatements(this.#database);
      this.#state = new BucketState(this.#statements);
      this.#firstLogSeq = Number(this.#statements.firstLogSeq.values()[0]?.[0] ?? this.#state.storedSeq + 1);
      this.requireInPlace();
    } catch (error) {
      // Tried again with every request to the bucket: what stayed open would add up.
      this.#database.close();
      throw error;
    }
    this.#clock = options.clock;
    this.#minPartBytes = options.minPartBytes;
    this.#tenants = options.tenants ?? lonelyBucket;
    this.#tenants.note(this.bucketId, this.usage);
    this.#hasBlob = (blobId) => existsAt(blobPath(options.dataDir, options.bucketId, blobId));
  }

  /** The file of the catalog. */
  get file(): FileId {
    return this.#place.catalog;
  }

  /**
   * Looks whether the files that are open are still the ones at their paths; see `CatalogPlace` for what that costs.
   * @throws CatalogUnavailableError when not: what is committed now would be lost
   */
  requireInPlace(): void {
    this.#isLost = true;
    this.#place.requireInPlace();
    this.#isLost = false;
  }

  /** Size of the write-ahead log after the last commit or look, bytes. */
  get logBytes(): number {
    return this.#place.logBytes;
  }

  get database(): Database {
    return this.#database;
  }

  get statements(): WriterStatements {
    return this.#statements;
  }

  get closedForEver(): boolean {
    return this.#state.now.closed === 1;
  }

  /** Counters as of the last commit. */
  get counters(): { objects: number; versions: number; bytes: number; partBytes: number } {
    const { objects, versions, bytes, partBytes } = this.#state.now;
    return { objects, versions, bytes, partBytes };
  }

  /** What counts against quotas, as of the last commit. */
  get usage(): Usage {
    const { objects, bytes, partBytes } = this.#state.now;
    return { bytes: bytes + partBytes, objects };
  }

  /**
   * Applies all mutations in one transaction and commits it with one sync.
   * @returns one result per mutation; S3 refusals are results
   * @throws the database's error when the transaction failed: nothing was stored, counters are as before.
   * CatalogUnavailableError when the files are no longer in their places: whether it is stored is unknown
   */
  commit(pending: readonly PendingMutation[]): MutationResult[] {
    const results: MutationResult[] = [];
    if (this.#isLost) this.requireInPlace();
    this.inTransaction(() => {
      for (const { mutation, bytes } of pending) results.push(this.#applyOne(mutation, bytes));
      this.#cutLog();
    });
    this.requireInPlace();
    return results;
  }

  /** Runs `work` in a write transaction that stores the counters; rolls all back when it throws. */
  inTransaction(work: (state: BucketState) => void): void {
    this.#statements.begin.run();
    try {
      work(this.#state);
      this.#state.store();
      this.#statements.commit.run();
    } catch (error) {
      this.#state.restore();
      if (this.#database.inTransaction) this.#statements.rollback.run();
      throw error;
    }
    this.#state.keep();
    this.#tenants.note(this.bucketId, this.usage);
  }

  /** Sets the bucket's versioning for all later mutations. */
  setVersioning(value: number): void {
    this.inTransaction((state) => {
      state.now.versioning = value;
    });
  }

  /** Folds the write-ahead log back and closes: a statement that is left would keep the file open. */
  close(): void {
    for (const statement of Object.values(this.#statements)) statement.finalize();
    this.#database.close();
  }

  /** Nobody reads the log yet: what earlier commits wrote goes, many records at a time, because each cut dirties pages. */
  #cutLog(): void {
    const { storedSeq } = this.#state;
    if (storedSeq - this.#firstLogSeq < logCutRecords) return;
    this.#statements.cutLog.run(storedSeq + 1);
    this.#firstLogSeq = storedSeq + 1;
  }

  #applyOne(mutation: Mutation, bytes: Uint8Array): MutationResult {
    const context: CommitContext = {
      statements: this.#statements,
      state: this.#state,
      clock: this.#clock,
      bytes,
      minPartBytes: this.#minPartBytes,
      hasBlob: this.#hasBlob,
      bucketId: this.bucketId,
      tenants: this.#tenants,
    };
    try {
      if (this.closedForEver) throw new S3Error("NoSuchBucket");
      return apply(context, mutation);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return { ok: false, code: error.code, message: error.message, fields: error.fields };
    }
  }
}

function apply(context: CommitContext, mutation: Mutation): MutationResult {
  switch (mutation.kind) {
    case "put":
      return applyPut(context, mutation);
    case "delete":
      return applyDelete(context, mutation);
    case "createUpload":
      return applyCreateUpload(context, mutation);
    case "putPart":
      return applyPutPart(context, mutation);
    case "completeUpload":
      return applyCompleteUpload(context, mutation);
    case "abortUpload":
      return applyAbortUpload(context, mutation);
  }
}
