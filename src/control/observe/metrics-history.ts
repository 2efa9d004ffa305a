import type { Clock } from "#kernel/base/clock.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { readInteger, readJson } from "../database/row-values.ts";
import type { HistoryMeter } from "./history-meter.ts";

/** Steps of the history, seconds: fine for a day, coarse for 30. */
export const historySteps = [10, 300] as const;

/** One of `historySteps`. */
export type HistoryStep = (typeof historySteps)[number];

/** Points kept of each step: 24 hours of 10 s, 30 days of 5 min. A new one takes the place of the one that many steps ago. */
export const historyPlaces = 8_640;

/** What the history stands on. */
export interface MetricsHistoryOptions {
  readonly database: ControlDatabase;
  readonly clock: Clock;
  /** Called once per step: each measures over its own time. */
  readonly makeMeter: () => Pick<HistoryMeter, "measure">;
}

/** One step's measurement. */
export interface HistoryPoint {
  /** Begin of the step, ms since 1970, a multiple of it. */
  readonly atMs: number;
  /** By `HistorySeries`. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Which points are wanted. */
export interface HistoryRange {
  readonly step: HistoryStep;
  /** ms since 1970: this and later. */
  readonly fromMs: number;
  /** ms since 1970: before this. */
  readonly toMs: number;
  /** How many at most, the oldest first. */
  readonly limit: number;
}

const writePoint = `INSERT INTO metrics_history (step_seconds, place, at_ms, measured) VALUES ($1, $2, $3, $4)
  ON CONFLICT (step_seconds, place) DO UPDATE SET at_ms = excluded.at_ms, measured = excluded.measured`;
const readPoints = `SELECT at_ms, measured FROM metrics_history
  WHERE step_seconds = $1 AND at_ms >= $2 AND at_ms < $3 ORDER BY at_ms LIMIT $4`;

/** What the server measured over time, kept over restarts. A step in which it did not run has no point. */
export class MetricsHistory {
  readonly #options: MetricsHistoryOptions;
  readonly #steps: { readonly seconds: HistoryStep; readonly meter: Pick<HistoryMeter, "measure">; current: number }[];

  constructor(options: MetricsHistoryOptions) {
    this.#options = options;
    this.#steps = historySteps.map((seconds) => {
      return { seconds, meter: options.makeMeter(), current: this.#numberOf(seconds) };
    });
  }

  /** Keeps what was measured of each step that is over. After a pause of many steps the last of them stands for all. */
  async look(): Promise<void> {
    for (const step of this.#steps) {
      const current = this.#numberOf(step.seconds);
      if (current === step.current) continue;
      step.current = current;
      const measured = JSON.stringify(step.meter.measure());
      const number = current - 1;
      const place = number % historyPlaces;
      await this.#options.database.run(writePoint, [step.seconds, place, number * step.seconds * 1000, measured]);
    }
  }

  /** The points of a range, none older than is kept, oldest first. */
  async read({ step, fromMs, toMs, limit }: HistoryRange): Promise<readonly HistoryPoint[]> {
    // A place that no later point has taken, because the server did not run, still holds what has had its time.
    const oldestMs = (this.#numberOf(step) - historyPlaces) * step * 1000;
    const rows = await this.#options.database.all(readPoints, [step, Math.max(fromMs, oldestMs), toMs, limit]);
    return rows.map((row) => ({ atMs: readInteger(row, "at_ms"), values: { ...Object(readJson(row, "measured")) } }));
  }

  #numberOf(seconds: HistoryStep): number {
    return Math.floor(this.#options.clock.nowMs() / 1000 / seconds);
  }
}
