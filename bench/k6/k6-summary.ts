/** Latency of one operation in a scenario, milliseconds. */
export interface OperationLatency {
  readonly count: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** What one scenario measured. */
export interface ScenarioResult {
  readonly scenario: string;
  /** Requests per second, preparation not counted apart. */
  readonly requestsPerSecond: number;
  readonly operations: Readonly<Record<string, OperationLatency>>;
  readonly wrongAnswers: number;
  readonly wrongBytes: number;
  /** Iterations an open-loop load could not begin. */
  readonly droppedIterations: number;
  /** From the server's start to its first answer; only of `cold`. */
  readonly firstAnswerMs?: number;
  /** Thresholds that were missed, in k6's words. */
  readonly missed: readonly string[];
}

/** Every operation the suite sends. */
export const suiteOperations: readonly string[] = [
  "PutObject",
  "GetObject",
  "HeadObject",
  "CopyObject",
  "DeleteObject",
  "ListObjectsV2",
  "CreateMultipartUpload",
  "UploadPart",
  "CompleteMultipartUpload",
];

interface SummaryMetric {
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

/** Reads what `handleSummary` of `suite.ts` wrote. Source: k6's custom summary. @throws SyntaxError when it is no JSON */
export function readSummary(scenario: string, text: string): ScenarioResult {
  const { metrics } = JSON.parse(text) as { metrics: Readonly<Record<string, SummaryMetric>> };
  const operations: Record<string, OperationLatency> = {};
  for (const operation of suiteOperations) {
    const values = metrics[`http_req_duration{operation:${operation}}`]?.values;
    if (values === undefined || !values["count"]) continue;
    operations[operation] = {
      count: values["count"],
      medianMs: values["med"] ?? 0,
      p95Ms: values["p(95)"] ?? 0,
      p99Ms: values["p(99)"] ?? 0,
    };
  }
  const countOf = (name: string) => metrics[name]?.values["count"] ?? 0;
  return {
    scenario,
    requestsPerSecond: metrics["http_reqs"]?.values["rate"] ?? 0,
    operations,
    wrongAnswers: countOf("wrong_answers"),
    wrongBytes: countOf("wrong_bytes"),
    droppedIterations: countOf("dropped_iterations"),
    missed: Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
      Object.entries(thresholds)
        .filter(([, { ok }]) => !ok)
        .map(([threshold]) => `${name} ${threshold}`),
    ),
  };
}

/** When the server gave its first answer, in milliseconds of the epoch. @throws SyntaxError when the text is no JSON */
export function readFirstAnswer(text: string): number | undefined {
  const { metrics } = JSON.parse(text) as { metrics: Readonly<Record<string, SummaryMetric>> };
  return metrics["first_answer_epoch_ms"]?.values["value"];
}

/** The table: a line per scenario and operation. */
export function renderSummaries(results: readonly ScenarioResult[]): string {
  const lines = results.flatMap((result) => [
    `${result.scenario}: ${result.requestsPerSecond.toFixed(0)} requests/s, ${result.wrongAnswers} wrong answers, ` +
      `${result.wrongBytes} wrong bodies or lists` +
      (result.droppedIterations > 0 ? `, ${result.droppedIterations} iterations dropped` : "") +
      (result.firstAnswerMs === undefined ? "" : `, first answer after ${result.firstAnswerMs.toFixed(0)} ms`),
    ...Object.entries(result.operations).map(
      ([operation, { count, medianMs, p95Ms, p99Ms }]) =>
        `  ${operation.padEnd(24)}${String(count).padStart(8)}  p50 ${ms(medianMs)}  p95 ${ms(p95Ms)}  p99 ${ms(p99Ms)}`,
    ),
    ...result.missed.map((threshold) => `  MISSED ${threshold}`),
  ]);
  return `${lines.join("\n")}\n`;
}

function ms(value: number): string {
  return `${value.toFixed(2).padStart(8)} ms`;
}
