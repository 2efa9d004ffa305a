import { join } from "node:path";
import { measureDigest } from "./limits/digest-limits.ts";
import { measureAppendsPerSecond, measureSequential, type SequentialRates } from "./limits/disk-limits.ts";
import { measureSqliteCommitsPerSecond } from "./limits/sqlite-limit.ts";
import type { ReportRow } from "./report.ts";

const shortMs = 1000;
const longMs = 3000;
const mebibyte = 1024 * 1024;

/** What the machine itself can do, each measured at its first use in the run. */
export class MachineLimits {
  readonly #folder: string;
  readonly #durationMs: number;
  readonly #sequentialBytes: number;
  readonly #rows = new Map<string, ReportRow>();
  readonly #samples = new Map<string, readonly number[]>();
  #sequential: SequentialRates | undefined;

  /** @param folder on the disk under test */
  constructor(folder: string, short: boolean) {
    this.#folder = folder;
    this.#durationMs = short ? shortMs : longMs;
    this.#sequentialBytes = (short ? 256 : 1024) * mebibyte;
  }

  /** Everything measured so far. */
  rows(): readonly ReportRow[] {
    return [...this.#rows.values()];
  }

  /** Measures what no work has asked for yet. */
  measureAll(): void {
    this.appendsPerSecond();
    this.sqliteCommitsPerSecond();
    this.digestBytesPerSecond("md5");
    this.digestBytesPerSecond("sha256");
    this.sequential();
  }

  /** 4 KiB appends with fdatasync. */
  appendsPerSecond(): number {
    const work = "limit: append 4 KiB + fdatasync";
    return (
      this.#rows.get(work)?.measured ??
      this.#sample(work, "/s", measureAppendsPerSecond(this.#folder, this.#durationMs))
    );
  }

  /** Single 4 KiB commits, WAL, synchronous=FULL. */
  sqliteCommitsPerSecond(): number {
    const work = "limit: SQLite FULL commit of 4 KiB";
    return this.#rows.get(work)?.measured ?? this.sampleSqlite();
  }

  /**
   * Measures the commits once more. A disk's rate drifts by the minute, so what is compared with it samples it before and
   * after. @returns the mean of all samples so far
   */
  sampleSqlite(): number {
    const rate = measureSqliteCommitsPerSecond(this.#folder, this.#durationMs);
    return this.#sample("limit: SQLite FULL commit of 4 KiB", "/s", rate);
  }

  /** One core. */
  digestBytesPerSecond(algorithm: "md5" | "sha256"): number {
    const work = `limit: ${algorithm}, one core`;
    const known = this.#rows.get(work)?.measured;
    return (known ?? this.#sample(work, "MB/s", measureDigest(algorithm, this.#durationMs) / 1e6)) * 1e6;
  }

  /** Plain file access. */
  sequential(): SequentialRates {
    if (this.#sequential !== undefined) return this.#sequential;
    const rates = measureSequential(this.#folder, this.#sequentialBytes);
    this.#sequential = rates;
    this.#sample("limit: sequential write + fdatasync", "MB/s", rates.writeBytesPerSecond / 1e6);
    this.#sample("limit: sequential read, cached", "MB/s", rates.readBytesPerSecond / 1e6);
    return rates;
  }

  /**
   * Adds a limit that was measured elsewhere; of one that is there already the mean is kept.
   * @returns the mean of all samples so far
   */
  add(row: ReportRow): number {
    const samples = [...(this.#samples.get(row.work) ?? []), row.measured];
    const measured = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
    this.#samples.set(row.work, samples);
    const notes =
      samples.length === 1
        ? row.notes
        : [...row.notes, `samples ${samples.map((sample) => Math.round(sample)).join(", ")}`];
    this.#rows.set(row.work, { ...row, measured, notes });
    return measured;
  }

  #sample(work: string, unit: string, measured: number): number {
    return this.add({ work, measured, unit, wanted: { kind: "none" }, limit: "", errorCount: 0, notes: [] });
  }
}

/** Program and first arguments that run a file of this folder with the Bun that runs the bench. */
export function benchCommand(root: string, file: string): readonly string[] {
  return [process.execPath, join(root, "bench", file)];
}
