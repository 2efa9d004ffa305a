import {
  batchBuckets,
  durationBuckets,
  type HistogramBuckets,
  objectSizeBuckets,
  sizeBuckets,
} from "./histogram-buckets.ts";

/** Classes of HTTP status, in the order of the cells: `statusClass - 1`. */
export const statusClasses = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** Storage operations with a latency of their own, in the order of the cells. */
export const storageOperations = ["read", "write", "fsync", "commit", "delete"] as const;

/** One of `storageOperations`. */
export type StorageOperation = (typeof storageOperations)[number];

/** Outcomes of storage operations and background tasks, in the order of the cells. */
export const outcomes = ["ok", "error"] as const;

/** How an S3 request is signed, in the order of the cells; `unknown`: the header names no scheme of S3. */
export const authMethods = ["sigv4", "sigv4_presigned", "sigv2", "sigv2_presigned", "unknown"] as const;

/** One of `authMethods`. */
export type AuthMethod = (typeof authMethods)[number];

/** Work that no request asks for, in the order of the cells. */
export const taskTypes = [
  "garbage",
  "orphan_scan",
  "bucket_upkeep",
  "audit_upkeep",
  "session_upkeep",
  "token_upkeep",
  "key_use_upkeep",
  "quota_watch",
] as const;

/** One of `taskTypes`. */
export type TaskType = (typeof taskTypes)[number];

/** Buckets with a label of their own; row 0 of the cells is `_other`: all other buckets, and requests without one. */
export const maxLabelledBuckets = 100;

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
  /** Look-ups in the worker's memory of newest versions, and the bytes it holds. */
  cacheHits: 10,
  cacheMisses: 11,
  cacheBytes: 12,
  /** Lines of the access log that were dropped because they were not written in time. */
  accessDropped: 13,
  /** Requests for objects that the audit has no event of. */
  eventsDropped: 14,
} as const;

/** Where things are in a slot, in cells of 8 bytes (Float64, counts are exact to 2^53). One thread writes a slot, the control thread reads it. */
export interface SlotLayout {
  readonly operationCount: number;
  readonly codeCount: number;
  /** `[operation][statusClass]`. */
  readonly requests: number;
  /** `[bucket row][operation][statusClass]`, `maxLabelledBuckets + 1` rows. */
  readonly bucketRequests: number;
  /** Histograms `[operation]` of microseconds. */
  readonly durations: number;
  /** Histograms `[operation]` of bytes received. */
  readonly bytesIn: number;
  /** Histograms `[operation]` of bytes sent. */
  readonly bytesOut: number;
  /** `[operation][code]`. */
  readonly errors: number;
  /** Histograms `[storage operation][outcome]` of microseconds. */
  readonly storage: number;
  /** `[auth method]`, verified ones. */
  readonly authSuccesses: number;
  /** `[auth method][code]`. */
  readonly authFailures: number;
  /** One histogram of bytes of stored objects. */
  readonly objectSizes: number;
  /** Histograms `[task type][outcome]` of microseconds. */
  readonly tasks: number;
  /** One histogram of mutations per commit. */
  readonly commitBatch: number;
  readonly cellCount: number;
}

/** Lays out a slot for so many operations (the last one is `_other`) and error codes: about 640 KB for all of S3, of which what is never
 * counted takes no memory. */
export function computeSlotLayout(operationCount: number, codeCount: number): SlotLayout {
  let next: number = slotCell.eventsDropped + 1;
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
    storage: take(storageOperations.length * outcomes.length * histogramCells(durationBuckets)),
    authSuccesses: take(authMethods.length),
    authFailures: take(authMethods.length * codeCount),
    objectSizes: take(histogramCells(objectSizeBuckets)),
    tasks: take(taskTypes.length * outcomes.length * histogramCells(durationBuckets)),
    bucketRequests: take((maxLabelledBuckets + 1) * operationCount * statusClasses.length),
    commitBatch: take(histogramCells(batchBuckets)),
    cellCount: next,
  };
}

/** Shared memory for one thread, all zero. */
export function createSlot(layout: SlotLayout): SharedArrayBuffer {
  return new SharedArrayBuffer(layout.cellCount * Float64Array.BYTES_PER_ELEMENT);
}
