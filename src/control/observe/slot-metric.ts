import {
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  type MetricValueWithName,
  type Registry,
} from "prom-client";
import type { HistogramBuckets } from "#kernel/metrics/histogram-buckets.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import { type Series, seriesPrefix } from "#kernel/metrics/series.ts";

/** Values of labels by name. */
export type Labels = Readonly<Record<string, string>>;

/** One labelled value of a counter or gauge. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** One labelled histogram: its cells as they stand in a slot. */
export interface HistogramSample {
  readonly labels: Labels;
  readonly cells: Float64Array;
}

/** Adds up cells of all threads: `count` from `start`. */
export function addCells(source: MetricsSource, start: number, count: number): Float64Array {
  const total = new Float64Array(count);
  for (const { slot } of source.threads()) {
    const cells = new Float64Array(slot, start * 8, count);
    for (let index = 0; index < count; index++) total[index] = (total[index] ?? 0) + (cells[index] ?? 0);
  }
  return total;
}

/** The sum of all cells. */
export function sum(cells: Float64Array): number {
  return cells.reduce((total, value) => total + value, 0);
}

/** A counter that has counted has a line. */
export function someSample(labels: Labels, value: number | undefined): Sample[] {
  return value !== undefined && value > 0 ? [{ labels, value }] : [];
}

/** Adds a counter whose values are read at each scrape. */
export function addCounter(registry: Registry, declared: Series, read: () => readonly Sample[]): void {
  registry.registerMetric(new SlotMetric(declared, new Counter(configuration(declared)), read));
}

/** Adds a gauge whose values are read at each scrape. */
export function addGauge(registry: Registry, declared: Series, read: () => readonly Sample[]): void {
  registry.registerMetric(new SlotMetric(declared, new Gauge(configuration(declared)), read));
}

/** How a histogram is read. */
export interface HistogramReading {
  readonly buckets: HistogramBuckets;
  /** How many units of the cells make one unit of the series. */
  readonly divisor: number;
  readonly read: () => readonly HistogramSample[];
}

/** Adds a histogram whose cells are read at each scrape; without values it has no lines. */
export function addHistogram(registry: Registry, declared: Series, reading: HistogramReading): void {
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
