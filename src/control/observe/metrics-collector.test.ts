import { expect, test } from "bun:test";
import { Registry } from "prom-client";
import type { ThreadMetrics } from "#kernel/metrics/metrics-source.ts";
import {
  errorCodeIndex,
  errorCodeLabels,
  operationIndex,
  operationLabels,
  slotLayout,
} from "#kernel/metrics/operation-index.ts";
import { series, seriesPrefix } from "#kernel/metrics/series.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import { registerSlotMetrics } from "./metrics-collector.ts";

function open(): { registry: Registry; recorders: SlotRecorder[] } {
  const threads: ThreadMetrics[] = ["0", "1", "writer"].map((worker) => ({
    worker,
    up: worker !== "1",
    restartCount: worker === "1" ? 3 : 0,
    slot: createSlot(slotLayout),
  }));
  const registry = new Registry();
  registerSlotMetrics(registry, {
    source: { threads: () => threads },
    layout: slotLayout,
    operations: operationLabels,
    errorCodes: errorCodeLabels,
    bucketLabels: () => ["_other", "photos"],
    controlSlot: createSlot(slotLayout),
    traceDrops: () => 3,
    logDrops: () => [{ sink: "syslog", count: 2 }],
    logIns: () => ({
      basic: { succeeded: 1, refused: 0, delayed: 0 },
      password: { succeeded: 1, refused: 0, delayed: 0 },
    }),
  });
  return { registry, recorders: threads.map(({ slot }) => new SlotRecorder(slot, slotLayout)) };
}

const put = operationIndex("PutObject");
const get = operationIndex("GetObject");

test("registerSlotMetrics: requests of all workers are added up", async () => {
  const { registry, recorders } = open();
  recorders[0]?.recordRequest(put, 2, { durationUs: 60_000, bytesIn: 2048, bytesOut: 0, bucketRow: 1 });
  recorders[1]?.recordRequest(put, 2, { durationUs: 40_000, bytesIn: 2048, bytesOut: 0, bucketRow: 1 });
  recorders[1]?.recordRequest(get, 4, { durationUs: 100, bytesIn: 0, bytesOut: 200, bucketRow: 1 });
  const lines = (await registry.metrics()).split("\n");
  for (const line of [
    'maxiofs_http_requests_total{method="PUT",operation="PutObject",status="2xx"} 2',
    'maxiofs_http_requests_total{method="GET",operation="GetObject",status="4xx"} 1',
    'maxiofs_s3_operations_total{operation="PutObject",bucket="photos",status="2xx"} 2',
    'maxiofs_http_request_duration_seconds_bucket{le="0.05",method="PUT",operation="PutObject"} 1',
    'maxiofs_http_request_duration_seconds_bucket{le="+Inf",method="PUT",operation="PutObject"} 2',
    'maxiofs_http_request_duration_seconds_sum{method="PUT",operation="PutObject"} 0.1',
    'maxiofs_http_request_duration_seconds_count{method="PUT",operation="PutObject"} 2',
    'maxiofs_s3_operation_duration_seconds_count{operation="PutObject"} 2',
    'maxiofs_http_request_size_bytes_bucket{le="2048",method="PUT",operation="PutObject"} 2',
    'maxiofs_http_response_size_bytes_sum{method="GET",operation="GetObject"} 200',
  ]) {
    expect(lines.map(sortLabels)).toContain(sortLabels(line));
  }
});

test("registerSlotMetrics: errors, storage, batches and threads have their lines", async () => {
  const { registry, recorders } = open();
  recorders[0]?.recordError(get, errorCodeIndex("NoSuchKey"));
  recorders[0]?.setConnections(12);
  recorders[1]?.recordAccessDropped();
  recorders[0]?.setGathered(4096);
  recorders[0]?.recordRefusedConnection();
  recorders[0]?.recordUncaught("rejection");
  recorders[0]?.recordUncaught("rejection");
  recorders[1]?.recordUncaught("exception");
  recorders[2]?.recordStorage("fsync", 900, true);
  recorders[2]?.recordStorage("fsync", 900, false);
  recorders[2]?.recordCommitBatch(30);
  const lines = (await registry.metrics()).split("\n");
  for (const line of [
    'maxiofs_s3_errors_total{operation="GetObject",error_type="NoSuchKey"} 1',
    'maxiofs_storage_operations_total{operation="fsync",status="ok"} 1',
    'maxiofs_storage_operations_total{operation="fsync",status="error"} 1',
    'maxiofs_storage_operation_duration_seconds_count{operation="fsync",status="ok"} 1',
    'maxiofs_catalog_commit_batch_size_bucket{le="32",worker="writer"} 1',
    'maxiofs_worker_up{worker="0"} 1',
    'maxiofs_worker_up{worker="1"} 0',
    'maxiofs_worker_restarts_total{worker="1"} 3',
    'maxiofs_worker_connections{worker="0"} 12',
    'maxiofs_worker_gathered_bytes{worker="0"} 4096',
    'maxiofs_log_lines_dropped_total{sink="access"} 1',
    'maxiofs_log_lines_dropped_total{sink="syslog"} 2',
    "maxiofs_trace_spans_dropped_total 3",
    'maxiofs_worker_refused_connections_total{worker="0"} 1',
    'maxiofs_worker_uncaught_errors_total{worker="0",kind="rejection"} 2',
    'maxiofs_worker_uncaught_errors_total{worker="0",kind="exception"} 0',
    'maxiofs_worker_uncaught_errors_total{worker="1",kind="exception"} 1',
  ]) {
    expect(lines.map(sortLabels)).toContain(sortLabels(line));
  }
});

test("registerSlotMetrics: the disk has lines once a worker has looked at it", async () => {
  const { registry, recorders } = open();
  expect(await registry.metrics()).not.toMatch(/^maxiofs_system_disk/m);
  recorders[0]?.setDisk({ totalBytes: 1000, freeBytes: 90, reserveBytes: 100, refusesWrites: true });
  const lines = (await registry.metrics()).split("\n");
  for (const line of [
    "maxiofs_system_disk_total_bytes 1000",
    "maxiofs_system_disk_free_bytes 90",
    "maxiofs_system_disk_reserve_bytes 100",
    "maxiofs_system_disk_writes_refused 1",
  ]) {
    expect(lines).toContain(line);
  }
});

test("registerSlotMetrics: every declared series but those of health is registered with its type, none without data has lines", async () => {
  const { registry } = open();
  const text = await registry.metrics();
  const { catalogProblems: _, healthCheck: __, ...own } = series;
  for (const { name, type } of Object.values(own)) {
    expect(text).toContain(`# TYPE ${seriesPrefix}${name} ${type}`);
  }
  expect(text).not.toContain("PutObject");
});

function sortLabels(line: string): string {
  return line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(",").sort().join(",")}}`);
}
