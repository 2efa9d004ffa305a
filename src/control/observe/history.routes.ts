import { Elysia, t } from "elysia";
import type { Clock } from "#kernel/base/clock.ts";
import { ControlError } from "../http/control-error.ts";
import { textOrNull, timeText, valueAnswer } from "../http/route-answer.ts";
import { momentText, parseMoment } from "../http/time-text.ts";
import { type HistorySeries, historySeries } from "./history-meter.ts";
import type { HistoryPoint, MetricsHistory } from "./metrics-history.ts";

/** The series are of the whole server: no tenant's. */
const rule = { tags: ["metrics"], action: "maxiofs:ReadMetrics", scope: "G" };

/** Points of one answer. */
export const maxHistoryPage = 1_000;
/** Points up to now when no `from` is given: an hour of 10 s, 30 hours of 5 min. */
const defaultPoints = 360;
const maxSeriesLength = 1_024;

const time = t.Optional(momentText);
const query = t.Object(
  {
    series: t.Optional(t.String({ minLength: 1, maxLength: maxSeriesLength })),
    step: t.Optional(t.Union([t.Literal("10"), t.Literal("300")])),
    ...{ from: time, to: time, cursor: time },
  },
  { additionalProperties: false },
);

const point = t.Object(
  { time: timeText, values: t.Record(t.String(), t.Union([t.Number(), t.Null()])) },
  { additionalProperties: false },
);
const historyPage = t.Object(
  { step: t.Union([t.Literal(10), t.Literal(300)]), items: t.Array(point), nextCursor: textOrNull },
  { $id: "History", additionalProperties: false },
);

/** What the route stands on. */
export interface HistoryRoutesOptions {
  readonly history: Pick<MetricsHistory, "read">;
  readonly clock: Clock;
}

/**
 * `/api/v1/metrics/history?series=a,b&from=&to=&step=`: what was measured in each step of 10 s (for a day) or 300 s (for 30 days),
 * oldest first; all series when none is named. `nextCursor` is the time at which the next page begins. A step without a point was
 * not measured.
 */
export function historyRoutes({ history, clock }: HistoryRoutesOptions) {
  return new Elysia({ prefix: "/api/v1/metrics", normalize: false }).get(
    "/history",
    async ({ query: { series, from, to, step: stepText, cursor } }) => {
      const wanted = parseSeries(series);
      const step = stepText === "300" ? 300 : 10;
      const toMs = parseTime(to, "to") ?? clock.nowMs();
      const fromMs = parseTime(cursor ?? from, "from") ?? toMs - defaultPoints * step * 1000;
      const points = await history.read({ step, fromMs, toMs, limit: maxHistoryPage + 1 });
      const next = points[maxHistoryPage];
      const items = points.slice(0, maxHistoryPage).map((point) => renderPoint(point, wanted));
      return { step, items, nextCursor: next ? renderTime(next) : null };
    },
    { query, detail: { ...rule, answer: valueAnswer(historyPage) } },
  );
}

/** @throws ControlError InvalidRequest for a name that is no series */
function parseSeries(text: string | undefined): readonly HistorySeries[] {
  if (text === undefined) return historySeries;
  return text.split(",").map((name) => {
    const found = historySeries.find((series) => series === name);
    if (found === undefined) throw new ControlError("InvalidRequest", `series: one of ${historySeries.join(", ")}`);
    return found;
  });
}

function parseTime(text: string | undefined, name: string): number | undefined {
  return text === undefined ? undefined : parseMoment(text, `/${name}`);
}

function renderPoint(point: HistoryPoint, wanted: readonly HistorySeries[]) {
  const values = Object.fromEntries(wanted.map((name) => [name, point.values[name] ?? null]));
  return { time: renderTime(point), values };
}

function renderTime({ atMs }: HistoryPoint): string {
  return new Date(atMs).toISOString();
}
