import type { DiskState } from "./disk-state.ts";
import {
  batchBuckets,
  bucketIndex,
  durationBuckets,
  type HistogramBuckets,
  objectSizeBuckets,
  sizeBuckets,
} from "./histogram-buckets.ts";
import {
  type AuthMethod,
  authMethods,
  histogramCells,
  type SlotLayout,
  type StorageOperation,
  slotCell,
  statusClasses,
  storageOperations,
  type TaskType,
  taskTypes,
} from "./slot-layout.ts";

const durationCells = histogramCells(durationBuckets);
const sizeCells = histogramCells(sizeBuckets);

/** What a finished request moved. The recorder keeps no reference: one object per worker can be filled again and again. */
export interface RequestSample {
  /** Microseconds from the request's arrival to the last byte of the response. */
  readonly durationUs: number;
  /** Bytes of the request's body. */
  readonly bytesIn: number;
  /** Bytes of the response's body. */
  readonly bytesOut: number;
  /** Row of the bucket, 0 to `maxLabelledBuckets`; 0 is `_other`. */
  readonly bucketRow: number;
}

/** What became of look-ups in a cache. */
export interface CacheUse {
  readonly hits: number;
  readonly misses: number;
  readonly bytes: number;
}

/**
 * Counts what one thread does in its slot of shared memory: plain additions, no message, no lock, no allocation.
 * Only the thread that owns the slot may write to it. A slot outlives its thread: a restarted one goes on counting.
 */
export class SlotRecorder {
  readonly #cells: Float64Array;
  readonly #layout: SlotLayout;

  /** `buffer` comes from `createSlot(layout)`; the same layout must be used by the reader. */
  constructor(buffer: SharedArrayBuffer, layout: SlotLayout) {
    this.#cells = new Float64Array(buffer, 0, layout.cellCount);
    this.#layout = layout;
  }

  /** Counts a finished request. `operationIndex` as in `operation-index.ts`; `statusClass` 1 to 5. */
  recordRequest(operationIndex: number, statusClass: number, sample: RequestSample): void {
    const layout = this.#layout;
    const cell = operationIndex * statusClasses.length + statusClass - 1;
    this.#add(layout.requests + cell, 1);
    this.#add(layout.bucketRequests + sample.bucketRow * layout.operationCount * statusClasses.length + cell, 1);
    this.#observe(layout.durations + operationIndex * durationCells, durationBuckets, sample.durationUs);
    this.#observe(layout.bytesIn + operationIndex * sizeCells, sizeBuckets, sample.bytesIn);
    this.#observe(layout.bytesOut + operationIndex * sizeCells, sizeBuckets, sample.bytesOut);
    this.#add(slotCell.progress, 1);
  }

  /** Counts an S3 error that was sent; `codeIndex` as in `operation-index.ts`. */
  recordError(operationIndex: number, codeIndex: number): void {
    this.#add(this.#layout.errors + operationIndex * this.#layout.codeCount + codeIndex, 1);
  }

  /** Counts a storage operation of `durationUs` microseconds. */
  recordStorage(operation: StorageOperation, durationUs: number, ok: boolean): void {
    const index = storageOperations.indexOf(operation) * 2 + (ok ? 0 : 1);
    this.#observe(this.#layout.storage + index * durationCells, durationBuckets, durationUs);
  }

  /** Counts a request whose signature was right and whose key is known. */
  recordAuthSuccess(method: AuthMethod): void {
    this.#add(this.#layout.authSuccesses + authMethods.indexOf(method), 1);
  }

  /** Counts a request whose authentication was refused with this code. */
  recordAuthFailure(method: AuthMethod, codeIndex: number): void {
    this.#add(this.#layout.authFailures + authMethods.indexOf(method) * this.#layout.codeCount + codeIndex, 1);
  }

  /** Counts an object that was stored. */
  recordObjectSize(bytes: number): void {
    this.#observe(this.#layout.objectSizes, objectSizeBuckets, bytes);
  }

  /** Counts a run of work that no request asked for. */
  recordTask(type: TaskType, durationUs: number, ok: boolean): void {
    const index = taskTypes.indexOf(type) * 2 + (ok ? 0 : 1);
    this.#observe(this.#layout.tasks + index * durationCells, durationBuckets, durationUs);
  }

  /** Adds look-ups since the last call and sets the bytes held. */
  recordCache({ hits, misses, bytes }: CacheUse): void {
    this.#add(slotCell.cacheHits, hits);
    this.#add(slotCell.cacheMisses, misses);
    this.#cells[slotCell.cacheBytes] = bytes;
  }

  /** Counts one commit of the catalog writer that made `mutationCount` mutations durable. */
  recordCommitBatch(mutationCount: number): void {
    this.#observe(this.#layout.commitBatch, batchBuckets, mutationCount);
  }

  /** Sets the number of open connections. */
  setConnections(connectionCount: number): void {
    this.#cells[slotCell.connections] = connectionCount;
  }

  /** Counts a connection that was refused because its address had too many. */
  recordRefusedConnection(): void {
    this.#add(slotCell.refusedConnections, 1);
  }

  /** Counts a line of the access log that was dropped. */
  recordAccessDropped(): void {
    this.#add(slotCell.accessDropped, 1);
  }

  /** Counts a request for an object that the audit has no event of. */
  recordEventDropped(): void {
    this.#add(slotCell.eventsDropped, 1);
  }

  /** Sets the bytes of bodies and answers that are gathered in memory. */
  setGathered(bytes: number): void {
    this.#cells[slotCell.gatheredBytes] = bytes;
  }

  /** Counts what nobody handled in the thread. */
  recordUncaught(kind: "rejection" | "exception"): void {
    this.#add(kind === "rejection" ? slotCell.rejections : slotCell.exceptions, 1);
  }

  /** Sets what was last seen of the disk. */
  setDisk({ totalBytes, freeBytes, reserveBytes, refusesWrites }: DiskState): void {
    this.#cells[slotCell.diskTotal] = totalBytes;
    this.#cells[slotCell.diskFree] = freeBytes;
    this.#cells[slotCell.diskReserve] = reserveBytes;
    this.#cells[slotCell.diskRefuses] = refusesWrites ? 1 : 0;
  }

  /** Says that something moved, so that a drain in progress goes on waiting. */
  noteProgress(): void {
    this.#add(slotCell.progress, 1);
  }

  #observe(start: number, buckets: HistogramBuckets, value: number): void {
    this.#add(start + bucketIndex(buckets, value), 1);
    this.#add(start + buckets.bounds.length + 1, value);
  }

  #add(cell: number, value: number): void {
    this.#cells[cell] = (this.#cells[cell] ?? 0) + value;
  }
}
