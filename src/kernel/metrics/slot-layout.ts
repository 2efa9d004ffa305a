import { batchBuckets, durationBuckets, type HistogramBuckets, sizeBuckets } from "./histogram-buckets.ts";

/** Classes of HTTP status, in the order of the cells: `statusClass - 1`. */
export const statusClasses = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** Storage operations with a latency of their own, in the order of the cells. */
export const storageOperations = ["read", "write", "fsync", "commit", "delete"] as const;

/** One of `storageOperations`. */
export type StorageOperation = (typeof storageOperations)[number];

/** A histogram's cells: `bounds.length + 1` counts, then the sum of the values. */
export function histogramCells(buckets: HistogramBuckets): number {
  return buckets.bounds.length + 2;
}

/** Cells that exist once per slot. */
export const slotCell = {
  /** Open connections. */
  connections: 0,
  /** Grows whenever a client moved bytes or a request ended: a drain that sees no growth is stuck. */
  progress: 1,
  /** Promises that were rejected and nobody handled. */
  rejections: 2,
  /** Exceptions nobody caught; each ended a life of the thread. */
  exceptions: 3,
  /** Bytes of the disk of the data folder; the next three cells belong to it, see `disk-state.ts`. 0: not looked at yet. */
  diskTotal: 4,
  diskFree: 5,
  diskReserve: 6,
  /** 1 while new bytes are refused. */
  diskRefuses: 7,
  /** Connections refused because their address had too many. */
  refusedConnections: 8,
  /** Bytes of bodies and answers gathered in memory. */
  gatheredBytes: 9,
} as const;

/** Where things are in a slot, in cells of 8 bytes (Float64, counts are exact to 2^53). One thread writes a slot, the control thread reads it. */
export interface SlotLayout {
  readonly operationCount: number;
  readonly codeCount: number;
  /** `[operation][statusClass]`. */
  readonly requests: number;
  /** Histograms `[operation]` of microseconds. */
  readonly durations: number;
  /** Histograms `[operation]` of bytes received. */
  readonly bytesIn: number;
  /** Histograms `[operation]` of bytes sent. */
  readonly bytesOut: number;
  /** `[operation][code]`. */
  readonly errors: number;
  /** Histograms `[storage operation]` of microseconds. */
  readonly storage: number;
  /** `[storage operation]`, failed ones. */
  readonly storageFailures: number;
  /** One histogram of mutations per commit. */
  readonly commitBatch: number;
  readonly cellCount: number;
}

/** Lays out a slot for so many operations (the last one is `_other`) and error codes: about 150 KB for all of S3. */
export function computeSlotLayout(operationCount: number, codeCount: number): SlotLayout {
  let next: number = slotCell.gatheredBytes + 1;
  const take = (cellCount: number): number => {
    const start = next;
    next += cellCount;
    return start;
  };
  return {
    operationCount,
    codeCount,
    requests: take(operationCount * statusClasses.length),
    durations: take(operationCount * histogramCells(durationBuckets)),
    bytesIn: take(operationCount * histogramCells(sizeBuckets)),
    bytesOut: take(operationCount * histogramCells(sizeBuckets)),
    errors: take(operationCount * codeCount),
    storage: take(storageOperations.length * histogramCells(durationBuckets)),
    storageFailures: take(storageOperations.length),
    commitBatch: take(histogramCells(batchBuckets)),
    cellCount: next,
  };
}

/** Shared memory for one thread, all zero. */
export function createSlot(layout: SlotLayout): SharedArrayBuffer {
  return new SharedArrayBuffer(layout.cellCount * Float64Array.BYTES_PER_ELEMENT);
}
