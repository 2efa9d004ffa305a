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
    help: "S3 operations by outcome; the first 100 names of buckets have a label, the others share `_other`",
    labels: ["operation", "bucket", "status"],
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
    labels: ["operation", "status"],
  },
  objectSize: {
    name: "object_size_bytes",
    type: "histogram",
    help: "Sizes of objects when they are stored",
    labels: [],
  },
  authAttempts: {
    name: "auth_attempts_total",
    type: "counter",
    help: "Signed S3 requests and log-ins at the console port (basic, password) by outcome",
    labels: ["method", "status"],
  },
  authFailures: {
    name: "auth_failures_total",
    type: "counter",
    help: "Refused ones: the S3 code; at the console port wrong credentials, or delayed because too many failed before",
    labels: ["method", "reason"],
  },
  tasks: {
    name: "background_tasks_total",
    type: "counter",
    help: "Runs of work that no request asked for",
    labels: ["task_type", "status"],
  },
  taskDuration: {
    name: "background_task_duration_seconds",
    type: "histogram",
    help: "Duration of those runs",
    labels: ["task_type", "status"],
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
  logLinesDropped: {
    name: "log_lines_dropped_total",
    type: "counter",
    help: "Log lines that were dropped because they were not taken in time: access, data_events (of the audit), syslog, http",
    labels: ["sink"],
  },
  traceSpansDropped: {
    name: "trace_spans_dropped_total",
    type: "counter",
    help: "Spans of traced requests that did not arrive: their receiver did not take them in time, or there were too many",
    labels: [],
  },
  workerConnections: { name: "worker_connections", type: "gauge", help: "Open connections", labels: ["worker"] },
} as const satisfies Readonly<Record<string, Series>>;

/** The series that the control thread works out when it is scraped: rates and percentiles over a sliding window, the machine, buckets. */
export const derivedSeries = {
  operationCount: {
    name: "operation_count_total",
    type: "counter",
    help: "Operations since the start: S3 operations, CatalogCommit, BlobIO",
    labels: ["operation"],
  },
  latencyP50: latencyGauge("operation_latency_p50_milliseconds", "Half of the last minute's operations took less"),
  latencyP95: latencyGauge("operation_latency_p95_milliseconds", "95 % of the last minute's operations took less"),
  latencyP99: latencyGauge("operation_latency_p99_milliseconds", "99 % of the last minute's operations took less"),
  latencyMean: latencyGauge("operation_latency_mean_milliseconds", "Mean duration of the last minute's operations"),
  successRate: {
    name: "operation_success_rate_percent",
    type: "gauge",
    help: "Operations of the last minute that did not fail by the server's fault (5xx)",
    labels: ["operation"],
  },
  requestRate: {
    name: "throughput_requests_per_second",
    type: "gauge",
    help: "S3 requests, mean of the last minute",
    labels: [],
  },
  byteRate: {
    name: "throughput_bytes_per_second",
    type: "gauge",
    help: "Bytes of S3 bodies in and out, mean of the last minute",
    labels: [],
  },
  objectRate: {
    name: "throughput_objects_per_second",
    type: "gauge",
    help: "Objects stored, read or deleted by S3 requests, mean of the last minute",
    labels: [],
  },
  cacheHitRate: {
    name: "cache_hit_rate",
    type: "gauge",
    help: "Part of the last minute's look-ups that were answered from memory, 0 to 1",
    labels: ["cache"],
  },
  cacheSize: { name: "cache_size_bytes", type: "gauge", help: "Bytes held in memory", labels: ["cache"] },
  cpuUsage: {
    name: "system_cpu_usage_percent",
    type: "gauge",
    help: "Processor time of the machine in use, mean since a scrape of a minute ago at most",
    labels: [],
  },
  memoryUsage: { name: "system_memory_usage_percent", type: "gauge", help: "Memory of the machine in use", labels: [] },
  diskUsage: {
    name: "system_disk_usage_percent",
    type: "gauge",
    help: "Part of the disk of the data folder in use",
    labels: [],
  },
  diskUsed: {
    name: "system_disk_used_bytes",
    type: "gauge",
    help: "Bytes of that disk that are not free for the server's user",
    labels: [],
  },
  storageBytes: {
    name: "storage_bytes_total",
    type: "gauge",
    help: "Bytes of all objects and their versions in all buckets; absent until every bucket was read after a start",
    labels: [],
  },
  storageObjects: {
    name: "storage_objects_total",
    type: "gauge",
    help: "Objects in all buckets, likewise",
    labels: [],
  },
  storageBuckets: { name: "storage_buckets_total", type: "gauge", help: "Buckets", labels: [] },
  bucketBytes: {
    name: "bucket_bytes_total",
    type: "gauge",
    help: "Bytes of a bucket's objects and their versions; buckets without a label of their own share `_other`",
    labels: ["bucket"],
  },
  bucketObjects: {
    name: "bucket_objects_total",
    type: "gauge",
    help: "Objects of a bucket, likewise",
    labels: ["bucket"],
  },
} as const satisfies Readonly<Record<string, Series>>;

function latencyGauge(name: string, help: string) {
  return { name, type: "gauge", help, labels: ["operation"] } as const;
}

/** Series whose features do not exist yet, with the feature that is missing. They are not exported: a zero would say that all is well. */
export const futureSeries: Readonly<Record<string, string>> = {
  object_lock_operations_total: "Object Lock",
  object_lock_retention_objects_total: "Object Lock",
  replication_queue_length: "replication",
  replication_lag_seconds: "replication",
  replication_failed_total: "replication",
  notification_queue_length: "event notifications",
  notification_failed_total: "event notifications",
  cluster_node_up: "the cluster",
  cluster_node_latency_milliseconds: "the cluster",
};
