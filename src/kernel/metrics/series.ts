/** Kind of a series, as Prometheus names it. */
export type SeriesType = "counter" | "gauge" | "histogram";

/** One declared series. `name` is without the prefix `maxiofs_`. */
export interface Series {
  readonly name: string;
  readonly type: SeriesType;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Prefix of every series. */
export const seriesPrefix = "maxiofs_";

/**
 * The series that are recorded now. Dashboards and alerts may use these and no other. Labels never hold a key, a raw path or
 * a request id; `operation` is the S3 operation's name or `_other`, `status` the class of the status (`2xx`) or, for storage,
 * `ok` and `error`.
 */
export const series = {
  httpRequests: {
    name: "http_requests_total",
    type: "counter",
    help: "HTTP requests answered",
    labels: ["method", "operation", "status"],
  },
  httpDuration: {
    name: "http_request_duration_seconds",
    type: "histogram",
    help: "Time from a request's arrival to its last byte out",
    labels: ["method", "operation"],
  },
  httpRequestSize: {
    name: "http_request_size_bytes",
    type: "histogram",
    help: "Bytes of request bodies",
    labels: ["method", "operation"],
  },
  httpResponseSize: {
    name: "http_response_size_bytes",
    type: "histogram",
    help: "Bytes of response bodies",
    labels: ["method", "operation"],
  },
  s3Operations: {
    name: "s3_operations_total",
    type: "counter",
    help: "S3 operations by outcome",
    labels: ["operation", "status"],
  },
  s3Duration: {
    name: "s3_operation_duration_seconds",
    type: "histogram",
    help: "Duration of S3 operations",
    labels: ["operation"],
  },
  s3Errors: {
    name: "s3_errors_total",
    type: "counter",
    help: "S3 errors by code",
    labels: ["operation", "error_type"],
  },
  operationCount: {
    name: "operation_count_total",
    type: "counter",
    help: "Operations since the start",
    labels: ["operation"],
  },
  storageOperations: {
    name: "storage_operations_total",
    type: "counter",
    help: "Storage operations by outcome",
    labels: ["operation", "status"],
  },
  storageDuration: {
    name: "storage_operation_duration_seconds",
    type: "histogram",
    help: "Duration of storage operations",
    labels: ["operation"],
  },
  commitBatch: {
    name: "catalog_commit_batch_size",
    type: "histogram",
    help: "Mutations made durable by one commit",
    labels: ["worker"],
  },
  workerUp: { name: "worker_up", type: "gauge", help: "1 while the thread runs and answers", labels: ["worker"] },
  workerRestarts: {
    name: "worker_restarts_total",
    type: "counter",
    help: "Restarts of the thread",
    labels: ["worker"],
  },
  catalogProblems: {
    name: "catalog_problems",
    type: "gauge",
    help: "Buckets with a problem of this kind: lost, damaged, locked, unreadable, object",
    labels: ["kind"],
  },
  healthCheck: {
    name: "health_check_ok",
    type: "gauge",
    help: "1 while the check of /health/ready passes, judged every 10 s at the latest",
    labels: ["check"],
  },
  workerUncaughtErrors: {
    name: "worker_uncaught_errors_total",
    type: "counter",
    help: "Errors nobody handled: a rejection is logged, an exception ends the thread",
    labels: ["worker", "kind"],
  },
  diskTotal: {
    name: "system_disk_total_bytes",
    type: "gauge",
    help: "Size of the disk of the data folder",
    labels: [],
  },
  diskFree: {
    name: "system_disk_free_bytes",
    type: "gauge",
    help: "Free bytes of that disk that the server's user may use",
    labels: [],
  },
  diskReserve: {
    name: "system_disk_reserve_bytes",
    type: "gauge",
    help: "Bytes kept free: below it writes are refused",
    labels: [],
  },
  diskRefuses: {
    name: "system_disk_writes_refused",
    type: "gauge",
    help: "1 while new bytes are refused because the disk is below its reserve",
    labels: [],
  },
  workerRefusedConnections: {
    name: "worker_refused_connections_total",
    type: "counter",
    help: "Connections refused because their address had too many",
    labels: ["worker"],
  },
  workerGatheredBytes: {
    name: "worker_gathered_bytes",
    type: "gauge",
    help: "Memory of small bodies, documents and unread answers; at 64 MiB requests wait and are refused with SlowDown",
    labels: ["worker"],
  },
  workerConnections: { name: "worker_connections", type: "gauge", help: "Open connections", labels: ["worker"] },
} as const satisfies Readonly<Record<string, Series>>;

/** The series that the control thread counts itself. */
export const controlSeries = {
  authAttempts: {
    name: "auth_attempts_total",
    type: "counter",
    help: "Log-ins at the console port by outcome",
    labels: ["method", "status"],
  },
  authFailures: {
    name: "auth_failures_total",
    type: "counter",
    help: "Failed log-ins at the console port: wrong credentials, or delayed because too many failed before",
    labels: ["method", "reason"],
  },
} as const satisfies Readonly<Record<string, Series>>;
