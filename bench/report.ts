/** One measured number beside the number wanted. */
export interface ReportRow {
  /** What was done. */
  readonly work: string;
  readonly measured: number;
  readonly unit: string;
  /** `least`: at least `target`; `most`: at most `target`; `none`: shown only. */
  readonly wanted: { readonly kind: "least" | "most"; readonly target: number } | { readonly kind: "none" };
  /** The machine's limit the number relates to, in words. */
  readonly limit: string;
  readonly p50Us?: number;
  readonly p99Us?: number;
  readonly errorCount: number;
  /** First errors, and anything a reader must know. */
  readonly notes: readonly string[];
  /** Processor seconds per second of measuring; 2 cores are 2.0. */
  readonly serverCores?: number;
  readonly generatorCores?: number;
  /** Of everything else on the machine: much of it, and the rates are too low. */
  readonly otherCores?: number;
}

/** How a row stands. */
export type Verdict = "pass" | "miss" | "error" | "-";

/** `error` beats everything: a number with wrong answers in it is no number. */
export function verdictOf(row: ReportRow): Verdict {
  if (row.errorCount > 0) return "error";
  if (row.wanted.kind === "none") return "-";
  const { kind, target } = row.wanted;
  const reached = kind === "least" ? row.measured >= target : row.measured <= target;
  return reached ? "pass" : "miss";
}

const headings = ["work", "measured", "wanted", "", "p50", "p99", "srv cpu", "gen cpu", "oth cpu", "err", "limit"];

/** The table as text, one line per row, notes below. */
export function renderReport(rows: readonly ReportRow[]): string {
  const cells = [headings, ...rows.map(cellsOf)];
  const widths = headings.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? "").length)));
  const lines = cells.map((line) =>
    line
      .map((cell, column) => align(cell, widths[column] ?? 0, column))
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, "-".repeat(widths.reduce((sum, width) => sum + width + 2, -2)));
  for (const row of rows) {
    for (const note of row.notes) lines.push(`${row.work}: ${note}`);
  }
  return `${lines.join("\n")}\n`;
}

/** One run as one line of JSON. */
export function renderJsonLine(
  rows: readonly ReportRow[],
  about: Readonly<Record<string, string | number | boolean>>,
): string {
  return `${JSON.stringify({ ...about, rows: rows.map((row) => ({ ...row, verdict: verdictOf(row) })) })}\n`;
}

function cellsOf(row: ReportRow): string[] {
  const { wanted } = row;
  const sign = wanted.kind === "least" ? ">=" : "<=";
  return [
    row.work,
    `${formatNumber(row.measured)} ${row.unit}`,
    wanted.kind === "none" ? "" : `${sign} ${formatNumber(wanted.target)}`,
    verdictOf(row),
    formatLatency(row.p50Us),
    formatLatency(row.p99Us),
    row.serverCores?.toFixed(2) ?? "",
    row.generatorCores?.toFixed(2) ?? "",
    row.otherCores?.toFixed(2) ?? "",
    String(row.errorCount),
    row.limit,
  ];
}

function align(cell: string, width: number, column: number): string {
  const isNumber = column > 0 && column < headings.length - 1 && column !== 3;
  return isNumber ? cell.padStart(width) : cell.padEnd(width);
}

function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

function formatLatency(us: number | undefined): string {
  if (us === undefined) return "";
  if (us < 1000) return `${us} us`;
  return us < 1_000_000 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1e6).toFixed(2)} s`;
}
