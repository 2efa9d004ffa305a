/** A run as `run.ts --json` writes it. */
export interface HistoryEntry {
  readonly at: string;
  readonly machine: string;
  readonly short: boolean;
  /** Data workers of the server, and the binary that was measured; 0 and empty for the defaults. */
  readonly workers: number;
  readonly binary: string;
  readonly rows: readonly HistoryRow[];
}

/** One measured number. */
export interface HistoryRow {
  readonly work: string;
  readonly measured: number;
  readonly unit: string;
  /** Wrong answers make a number worthless. */
  readonly errorCount: number;
}

/** A row of the newest run that is worse than all earlier ones. */
export interface HistoryFinding {
  readonly work: string;
  readonly measured: number;
  readonly unit: string;
  /** Of the earlier runs. */
  readonly median: number;
}

/** Earlier runs that are looked at, and how many there must be to say anything. */
const comparedRuns = 10;
/** See `comparedRuns`. */
export const minRuns = 3;
/** Part of the median that a row must be worse by, besides being worse than every earlier one. */
export const margin = 0.1;

function isSameSetup(one: HistoryEntry, other: HistoryEntry): boolean {
  const isSameMachine = one.machine === other.machine && one.short === other.short;
  return isSameMachine && one.workers === other.workers && one.binary === other.binary;
}

/** @throws SyntaxError naming the line that is no JSON */
export function parseHistory(text: string): HistoryEntry[] {
  return text
    .split("\n")
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, number }) => {
      try {
        return JSON.parse(line) as HistoryEntry;
      } catch {
        throw new SyntaxError(`Line ${number} of the history is no JSON`);
      }
    });
}

/**
 * Compares each row of the newest run with the same row of up to ten runs before it that have it, of the same machine, form,
 * workers and binary. A machine's own rates drift, so a row is named only when it is worse than each of them and by more than a
 * tenth of their median, when that is not 0. Rows of the machine's limits are left out, and those with errors: `run.ts` ended with 1 for them.
 * @returns undefined when there are fewer than `minRuns` earlier ones
 */
export function findSlower(history: readonly HistoryEntry[]): HistoryFinding[] | undefined {
  const newest = history.at(-1);
  const earlier = history.slice(0, -1).filter((entry) => newest !== undefined && isSameSetup(entry, newest));
  if (newest === undefined || earlier.length < minRuns) return undefined;
  return newest.rows.flatMap(({ work, measured, unit, errorCount }) => {
    const rows = earlier.flatMap((entry) => entry.rows.filter((row) => row.work === work && row.errorCount === 0));
    const before = rows.map((row) => row.measured).slice(-comparedRuns);
    if (errorCount > 0 || before.length < minRuns || work.startsWith("limit:")) return [];
    const median = before.toSorted((a, b) => a - b)[Math.floor(before.length / 2)] ?? measured;
    // Of rates more is better, of times and sizes less.
    const worse = unit.endsWith("/s") ? 1 : -1;
    const isWorst = before.every((value) => worse * (value - measured) > 0);
    return median > 0 && isWorst && worse * (median - measured) > margin * median
      ? [{ work, measured, unit, median }]
      : [];
  });
}
