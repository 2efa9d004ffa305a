import {
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  type MetricValueWithName,
  type Registry,
} from "prom-client";
import { type DiskState, readDiskState } from "#kernel/metrics/disk-state.ts";
import {
  batchBuckets,
  durationBuckets,
  type HistogramBuckets,
  sizeBuckets,
} from "#kernel/metrics/histogram-buckets.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import type { OperationLabels } from "#kernel/metrics/operation-index.ts";
import { type Series, series, seriesPrefix } from "#kernel/metrics/series.ts";
import {
  histogramCells,
  type SlotLayout,
  slotCell,
  statusClasses,
  storageOperations,
} from "#kernel/metrics/slot-layout.ts";

/** What the collector reads and how it names it. */
export interface MetricsCollectorOptions {
  readonly source: MetricsSource;
  readonly layout: SlotLayout;
  /** By operation index. */
  readonly operations: readonly OperationLabels[];
  /** By code index. */
  readonly errorCodes: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** One labelled value of a counter or gauge. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** One labelled histogram: its cells as they stand in a slot. */
interface HistogramSample {
  readonly labels: Labels;
  readonly cells: Float64Array;
}

/**
 * Adds the series of the threads' slots to `registry`. Nothing is copied until a scrape asks: then all slots are added up
 * cell by cell and rendered. An operation nobody called yet has no lines.
 */
export function registerSlotMetrics(registry: Registry, options: MetricsCollectorOptions): void {
  registerRequests(registry, options);
  registerStorage(registry, options);
  registerThreads(registry, options.source);
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
  addCounter(
    registry,
    series.s3Operations,
    requests((operation, status) => ({ ...name(operation), status })),
  );
  addCounter(registry, series.operationCount, () => {
    const cells = add(layout.requests, operations.length * statusClasses.length);
    return operations.flatMap((operation, index) => {
      const own = cells.subarray(index * statusClasses.length, (index + 1) * statusClasses.length);
      return someSample(name(operation), sum(own));
    });
  });
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

function registerStorage(registry: Registry, { source, layout }: MetricsCollectorOptions): void {
  const size = histogramCells(durationBuckets);
  const read = (): HistogramSample[] => {
    const cells = addCells(source, layout.storage, storageOperations.length * size);
    return storageOperations.map((operation, index) => ({
      labels: { operation },
      cells: cells.subarray(index * size, (index + 1) * size),
    }));
  };
  addHistogram(registry, series.storageDuration, { buckets: durationBuckets, divisor: 1e6, read });
  addCounter(registry, series.storageOperations, () => {
    const failures = addCells(source, layout.storageFailures, storageOperations.length);
    return read().flatMap(({ labels, cells }, index) => {
      const failed = failures[index] ?? 0;
      return [
        ...someSample({ ...labels, status: "ok" }, sum(cells.subarray(0, size - 1)) - failed),
        ...someSample({ ...labels, status: "error" }, failed),
      ];
    });
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

function registerThreads(registry: Registry, source: MetricsSource): void {
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

function addCells(source: MetricsSource, start: number, count: number): Float64Array {
  const total = new Float64Array(count);
  for (const { slot } of source.threads()) {
    const cells = new Float64Array(slot, start * 8, count);
    for (let index = 0; index < count; index++) total[index] = (total[index] ?? 0) + (cells[index] ?? 0);
  }
  return total;
}

function sum(cells: Float64Array): number {
  return cells.reduce((total, value) => total + value, 0);
}

function someSample(labels: Labels, value: number | undefined): Sample[] {
  return value !== undefined && value > 0 ? [{ labels, value }] : [];
}

function addCounter(registry: Registry, declared: Series, read: () => readonly Sample[]): void {
  registry.registerMetric(new SlotMetric(declared, new Counter(configuration(declared)), read));
}

/** Adds a gauge whose values are read at each scrape. */
export function addGauge(registry: Registry, declared: Series, read: () => readonly Sample[]): void {
  registry.registerMetric(new SlotMetric(declared, new Gauge(configuration(declared)), read));
}

/** How a histogram is read. */
interface HistogramReading {
  readonly buckets: HistogramBuckets;
  /** How many units of the cells make one unit of the series. */
  readonly divisor: number;
  readonly read: () => readonly HistogramSample[];
}

function addHistogram(registry: Registry, declared: Series, reading: HistogramReading): void {
  const values = (): MetricValueWithName<string>[] =>
    reading.read().flatMap((sample) => renderHistogram(seriesPrefix + declared.name, reading, sample));
  registry.registerMetric(new SlotMetric(declared, new Histogram(configuration(declared)), values));
}

function configuration({ name, help, labels }: Series): {
  name: string;
  help: string;
  labelNames: string[];
  registers: [];
} {
  return { name: seriesPrefix + name, help, labelNames: [...labels], registers: [] };
}

function renderHistogram(
  name: string,
  { buckets, divisor }: HistogramReading,
  { labels, cells }: HistogramSample,
): MetricValueWithName<string>[] {
  const values: MetricValueWithName<string>[] = [];
  let count = 0;
  for (const [index, bound] of buckets.bounds.entries()) {
    count += cells[index] ?? 0;
    values.push({ labels: { ...labels, le: bound / divisor }, value: count, metricName: `${name}_bucket` });
  }
  count += cells[buckets.bounds.length] ?? 0;
  if (count === 0) return [];
  values.push({ labels: { ...labels, le: "+Inf" }, value: count, metricName: `${name}_bucket` });
  values.push({ labels, value: (cells[buckets.bounds.length + 1] ?? 0) / divisor, metricName: `${name}_sum` });
  values.push({ labels, value: count, metricName: `${name}_count` });
  return values;
}

/**
 * A series whose values are read when it is rendered; `template` lends it type and help. It extends Gauge whatever its type is,
 * because a registry renders gauges by `get()` alone.
 */
class SlotMetric extends Gauge {
  readonly #template: Counter | Gauge | Histogram;
  readonly #read: () => readonly (MetricValue<string> | Sample)[];

  constructor(
    declared: Series,
    template: Counter | Gauge | Histogram,
    read: () => readonly (MetricValue<string> | Sample)[],
  ) {
    super(configuration(declared));
    this.#template = template;
    this.#read = read;
  }

  override async get(): Promise<MetricObjectWithValues<MetricValue<string>>> {
    return { ...(await this.#template.get()), values: [...this.#read()] };
  }
}
