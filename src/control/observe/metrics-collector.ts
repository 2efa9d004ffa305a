import type { Registry } from "prom-client";
import { type DiskState, readDiskState } from "#kernel/metrics/disk-state.ts";
import {
  batchBuckets,
  durationBuckets,
  type HistogramBuckets,
  objectSizeBuckets,
  sizeBuckets,
} from "#kernel/metrics/histogram-buckets.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import type { OperationLabels } from "#kernel/metrics/operation-index.ts";
import { type Series, series } from "#kernel/metrics/series.ts";
import {
  authMethods,
  histogramCells,
  outcomes,
  type SlotLayout,
  slotCell,
  statusClasses,
  storageOperations,
  taskTypes,
} from "#kernel/metrics/slot-layout.ts";
import type { LogInsByMethod } from "../http/log-in-counts.ts";
import type { LogDrops } from "./log.ts";
import {
  addCells,
  addCounter,
  addGauge,
  addHistogram,
  type HistogramSample,
  type Labels,
  type Sample,
  someSample,
  sum,
} from "./slot-metric.ts";

/** What the collector reads and how it names it. */
export interface MetricsCollectorOptions {
  readonly source: MetricsSource;
  readonly layout: SlotLayout;
  /** By operation index. */
  readonly operations: readonly OperationLabels[];
  /** By code index. */
  readonly errorCodes: readonly string[];
  /** By bucket row, `_other` first; grows as buckets are made. */
  readonly bucketLabels: () => readonly string[];
  /** The control thread's own slot: work that it does by itself. */
  readonly controlSlot: SharedArrayBuffer;
  /** Log-ins at the console port. */
  readonly logIns: () => LogInsByMethod;
  /** Lines that log targets did not take. */
  readonly logDrops: () => readonly LogDrops[];
  /** Spans that did not arrive. */
  readonly traceDrops: () => number;
}

/**
 * Adds the series of the threads' slots to `registry`. Nothing is copied until a scrape asks: then all slots are added up
 * cell by cell and rendered. An operation nobody called yet has no lines.
 */
export function registerSlotMetrics(registry: Registry, options: MetricsCollectorOptions): void {
  registerRequests(registry, options);
  registerBuckets(registry, options);
  registerStorage(registry, options);
  registerAuthentication(registry, options);
  registerTasks(registry, options);
  registerThreads(registry, options);
  registerDisk(registry, options.source);
}

function registerRequests(
  registry: Registry,
  { source, layout, operations, errorCodes }: MetricsCollectorOptions,
): void {
  const add = (start: number, count: number): Float64Array => addCells(source, start, count);
  const requests = (label: (operation: OperationLabels, status: string) => Labels) => (): Sample[] => {
    const cells = add(layout.requests, operations.length * statusClasses.length);
    return operations.flatMap((operation, index) =>
      statusClasses.flatMap((status, at) =>
        someSample(label(operation, status), cells[index * statusClasses.length + at]),
      ),
    );
  };
  const perOperation =
    (start: number, buckets: HistogramBuckets, label: (operation: OperationLabels) => Labels) => () => {
      const size = histogramCells(buckets);
      const cells = add(start, operations.length * size);
      return operations.map((operation, index) => ({
        labels: label(operation),
        cells: cells.subarray(index * size, (index + 1) * size),
      }));
    };
  const both = ({ method, operation }: OperationLabels): Labels => ({ method, operation });
  const name = ({ operation }: OperationLabels): Labels => ({ operation });

  addCounter(
    registry,
    series.httpRequests,
    requests((operation, status) => ({ ...both(operation), status })),
  );
  addCounter(registry, series.s3Errors, () => {
    const cells = add(layout.errors, operations.length * errorCodes.length);
    return operations.flatMap((operation, index) =>
      errorCodes.flatMap((code, at) =>
        someSample({ ...name(operation), error_type: code }, cells[index * errorCodes.length + at]),
      ),
    );
  });
  const seconds = { buckets: durationBuckets, divisor: 1e6 };
  const bytes = { buckets: sizeBuckets, divisor: 1 };
  addHistogram(registry, series.httpDuration, {
    ...seconds,
    read: perOperation(layout.durations, durationBuckets, both),
  });
  addHistogram(registry, series.s3Duration, {
    ...seconds,
    read: perOperation(layout.durations, durationBuckets, name),
  });
  addHistogram(registry, series.httpRequestSize, { ...bytes, read: perOperation(layout.bytesIn, sizeBuckets, both) });
  addHistogram(registry, series.httpResponseSize, { ...bytes, read: perOperation(layout.bytesOut, sizeBuckets, both) });
}

function registerBuckets(
  registry: Registry,
  { source, layout, operations, bucketLabels }: MetricsCollectorOptions,
): void {
  addCounter(registry, series.s3Operations, () => {
    const labels = bucketLabels();
    const rowCells = operations.length * statusClasses.length;
    const cells = addCells(source, layout.bucketRequests, labels.length * rowCells);
    const samples: Sample[] = [];
    for (let cell = 0; cell < cells.length; cell++) {
      const value = cells[cell] ?? 0;
      if (value === 0) continue;
      const operation = operations[Math.floor((cell % rowCells) / statusClasses.length)]?.operation ?? "";
      const bucket = labels[Math.floor(cell / rowCells)] ?? "";
      const status = statusClasses[cell % statusClasses.length] ?? "";
      samples.push({ labels: { operation, bucket, status }, value });
    }
    return samples;
  });
}

function registerStorage(registry: Registry, { source, layout }: MetricsCollectorOptions): void {
  const read = () => readOutcomes(source, { start: layout.storage, label: "operation", names: storageOperations });
  addHistogram(registry, series.storageDuration, { buckets: durationBuckets, divisor: 1e6, read });
  addCounter(registry, series.storageOperations, () => read().flatMap(countOf));
  addHistogram(registry, series.objectSize, {
    buckets: objectSizeBuckets,
    divisor: 1,
    read: () => [{ labels: {}, cells: addCells(source, layout.objectSizes, histogramCells(objectSizeBuckets)) }],
  });
  addHistogram(registry, series.commitBatch, {
    buckets: batchBuckets,
    divisor: 1,
    read: () =>
      source.threads().map(({ worker, slot }) => ({
        labels: { worker },
        cells: new Float64Array(slot, layout.commitBatch * 8, histogramCells(batchBuckets)),
      })),
  });
}

function registerTasks(registry: Registry, { source, layout, controlSlot: slot }: MetricsCollectorOptions): void {
  const control = { worker: "control", up: true, restartCount: 0, slot };
  const all = { threads: () => [...source.threads(), control] };
  const read = () => readOutcomes(all, { start: layout.tasks, label: "task_type", names: taskTypes });
  addHistogram(registry, series.taskDuration, { buckets: durationBuckets, divisor: 1e6, read });
  addCounter(registry, series.tasks, () => read().flatMap(countOf));
}

function registerAuthentication(registry: Registry, options: MetricsCollectorOptions): void {
  const { source, layout, errorCodes, logIns } = options;
  const failuresOf = (index: number) =>
    addCells(source, layout.authFailures + index * errorCodes.length, errorCodes.length);
  addCounter(registry, series.authAttempts, () => {
    const successes = addCells(source, layout.authSuccesses, authMethods.length);
    const s3 = authMethods.flatMap((method, index) => [
      ...someSample({ method, status: "success" }, successes[index]),
      ...someSample({ method, status: "failure" }, sum(failuresOf(index))),
    ]);
    const console = Object.entries(logIns()).flatMap(([method, { succeeded, refused, delayed }]) => [
      { labels: { method, status: "success" }, value: succeeded },
      { labels: { method, status: "failure" }, value: refused + delayed },
    ]);
    return [...s3, ...console];
  });
  addCounter(registry, series.authFailures, () => {
    const s3 = authMethods.flatMap((method, index) => {
      const cells = failuresOf(index);
      return errorCodes.flatMap((reason, at) => someSample({ method, reason }, cells[at]));
    });
    const console = Object.entries(logIns()).flatMap(([method, { refused, delayed }]) => [
      { labels: { method, reason: "credentials" }, value: refused },
      { labels: { method, reason: "delayed" }, value: delayed },
    ]);
    return [...s3, ...console];
  });
}

/** Histograms `[name][outcome]`. */
function readOutcomes(
  source: MetricsSource,
  { start, label, names }: { readonly start: number; readonly label: string; readonly names: readonly string[] },
): HistogramSample[] {
  const size = histogramCells(durationBuckets);
  const cells = addCells(source, start, names.length * outcomes.length * size);
  return names.flatMap((name, index) =>
    outcomes.map((status, at) => {
      const first = (index * outcomes.length + at) * size;
      return { labels: { [label]: name, status }, cells: cells.subarray(first, first + size) };
    }),
  );
}

function countOf({ labels, cells }: HistogramSample): Sample[] {
  return someSample(labels, sum(cells.subarray(0, cells.length - 1)));
}

function registerThreads(registry: Registry, { source, logDrops, traceDrops }: MetricsCollectorOptions): void {
  addGauge(registry, series.workerUp, () =>
    source.threads().map(({ worker, up }) => ({ labels: { worker }, value: up ? 1 : 0 })),
  );
  addCounter(registry, series.workerRestarts, () =>
    source.threads().map(({ worker, restartCount }) => ({ labels: { worker }, value: restartCount })),
  );
  addCounter(registry, series.workerUncaughtErrors, () =>
    source.threads().flatMap(({ worker, slot }) => {
      const cells = new Float64Array(slot, 0, slotCell.exceptions + 1);
      return [
        { labels: { worker, kind: "rejection" }, value: cells[slotCell.rejections] ?? 0 },
        { labels: { worker, kind: "exception" }, value: cells[slotCell.exceptions] ?? 0 },
      ];
    }),
  );
  const addWorkerGauge = (declared: Series, cell: number) =>
    addGauge(registry, declared, () =>
      dataWorkers(source).map(({ worker, slot, up }) => ({ labels: { worker }, value: up ? readCell(slot, cell) : 0 })),
    );
  addWorkerGauge(series.workerConnections, slotCell.connections);
  addWorkerGauge(series.workerGatheredBytes, slotCell.gatheredBytes);
  addCounter(registry, series.logLinesDropped, () => [
    { labels: { sink: "access" }, value: sum(addCells(source, slotCell.accessDropped, 1)) },
    { labels: { sink: "data_events" }, value: sum(addCells(source, slotCell.eventsDropped, 1)) },
    ...logDrops().map(({ sink, count }) => ({ labels: { sink }, value: count })),
  ]);
  addCounter(registry, series.traceSpansDropped, () => [{ labels: {}, value: traceDrops() }]);
  addCounter(registry, series.workerRefusedConnections, () =>
    dataWorkers(source).map(({ worker, slot }) => ({
      labels: { worker },
      value: readCell(slot, slotCell.refusedConnections),
    })),
  );
}

function dataWorkers(source: MetricsSource): ReturnType<MetricsSource["threads"]> {
  return source.threads().filter(({ worker }) => worker !== "writer");
}

function readCell(slot: SharedArrayBuffer, cell: number): number {
  return new Float64Array(slot, cell * Float64Array.BYTES_PER_ELEMENT, 1)[0] ?? 0;
}

function registerDisk(registry: Registry, source: MetricsSource): void {
  const add = (declared: Series, read: (state: DiskState) => number) =>
    addGauge(registry, declared, () => {
      const state = readDiskState(source);
      return state === undefined ? [] : [{ labels: {}, value: read(state) }];
    });
  add(series.diskTotal, ({ totalBytes }) => totalBytes);
  add(series.diskFree, ({ freeBytes }) => freeBytes);
  add(series.diskReserve, ({ reserveBytes }) => reserveBytes);
  add(series.diskRefuses, ({ refusesWrites }) => (refusesWrites ? 1 : 0));
}
