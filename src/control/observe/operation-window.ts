import type { Clock } from "#kernel/base/clock.ts";
import type { MetricsSource } from "#kernel/metrics/metrics-source.ts";
import { type SlotLayout, slotCell } from "#kernel/metrics/slot-layout.ts";
import { addCells } from "./slot-metric.ts";

/** Usual length of the window, and pause between two samples, ms. */
const minuteMs = 60_000;
const sampleMs = 5_000;

/** What was counted within the window, in the places of a slot's layout; places that no rate needs are 0. */
export interface WindowCounts {
  readonly seconds: number;
  readonly cells: Float64Array;
  /** Busy part of the machine's processors, 0 to 1; undefined before time has passed. */
  readonly cpu: number | undefined;
}

/** Time of the machine's processors since its start, in any unit. */
export interface ProcessorTimes {
  readonly busy: number;
  readonly idle: number;
}

/** What the window looks at. */
export interface OperationWindowOptions {
  readonly source: MetricsSource;
  readonly layout: SlotLayout;
  readonly clock: Clock;
  readonly readProcessors: () => ProcessorTimes;
  /** Length of the window, ms; a minute when absent. */
  readonly windowMs?: number;
}

interface Sample {
  readonly atMs: number;
  readonly cells: Float64Array;
  readonly processors: ProcessorTimes;
}

/**
 * What all threads counted in the last minute: the difference between now and a sample of then. The first window begins with the
 * process, when that is younger than a window, else here.
 */
export class OperationWindow {
  readonly #options: OperationWindowOptions;
  readonly #windowMs: number;
  readonly #samples: Sample[] = [];

  constructor(options: OperationWindowOptions) {
    this.#options = options;
    this.#windowMs = options.windowMs ?? minuteMs;
    const now = this.#take();
    const isYoung = now.atMs <= this.#windowMs;
    this.#samples.push(isYoung ? { ...now, atMs: 0, cells: new Float64Array(options.layout.bucketRequests) } : now);
  }

  /** Samples from now on; the timer keeps no process alive. */
  start(): void {
    setInterval(() => this.sample(), sampleMs).unref();
  }

  /** Begins anew: what was counted so far is no news. */
  forget(): void {
    this.#samples.splice(0, this.#samples.length, this.#take());
  }

  /** Takes a sample and forgets those that no window needs any more. */
  sample(): void {
    const sample = this.#take();
    this.#samples.push(sample);
    while ((this.#samples[1]?.atMs ?? sample.atMs) <= sample.atMs - this.#windowMs) this.#samples.shift();
  }

  /** The counts from a minute ago to now. */
  read(): WindowCounts {
    const now = this.#take();
    const first = this.#samples.findLast(({ atMs }) => atMs <= now.atMs - this.#windowMs) ?? this.#samples[0] ?? now;
    const busy = now.processors.busy - first.processors.busy;
    const total = busy + now.processors.idle - first.processors.idle;
    return {
      seconds: Math.max(1, (now.atMs - first.atMs) / 1000),
      cells: now.cells.map((value, cell) => Math.max(0, value - (first.cells[cell] ?? 0))),
      cpu: total > 0 ? busy / total : undefined,
    };
  }

  /** Errors by code and rows of buckets are the largest part of a slot, and no rate needs them. */
  #take(): Sample {
    const { source, layout, clock, readProcessors } = this.#options;
    const cells = new Float64Array(layout.bucketRequests);
    for (const [start, end] of [
      [slotCell.cacheHits, slotCell.cacheMisses + 1],
      [layout.requests, layout.errors],
      [layout.storage, layout.authSuccesses],
    ] as const)
      cells.set(addCells(source, start, end - start), start);
    return { atMs: clock.monotonicMs(), cells, processors: readProcessors() };
  }
}
