/** What the command line asks for. */
export interface BenchOptions {
  /** Seconds instead of minutes: 20,000 keys instead of 1,000,000, 16 MiB instead of 1 GiB, 1,000 users instead of 10,000. */
  readonly short: boolean;
  /** Names of the works to run; empty for all. */
  readonly only: readonly string[];
  /** Binary to measure; empty for the source. */
  readonly binary: string;
  /** Data workers of the server; 0 for its default. */
  readonly workers: number;
  /** One line of JSON is appended here; empty for none. */
  readonly jsonFile: string;
  /** Where the many-keys data folder is kept and found again; empty for a temporary one. */
  readonly seedFolder: string;
  /** Parent of the temporary folder; must be on the disk under test. */
  readonly workFolder: string;
  /** Missed targets make the exit code 1, not only errors. */
  readonly strict: boolean;
}

const valueFlags = new Set(["--only", "--binary", "--workers", "--json", "--seed-dir", "--dir"]);
const plainFlags = new Set(["--short", "--strict"]);

/** One line per flag. */
const usage = `bun bench/run.ts [flags]
  --short            seconds instead of minutes
  --only A,B         only these works
  --binary FILE      measure this binary instead of the source
  --workers N        data workers of the server (1 to 64)
  --json FILE        append one line of JSON
  --seed-dir FOLDER  keep the folder with many keys and use it again
  --dir FOLDER       where temporary data goes (default bench/results)
  --strict           exit code 1 for a missed target too`;

/**
 * @param args the command line without the program
 * @param defaultFolder `workFolder` when `--dir` is not given
 * @throws RangeError for an unknown flag, a missing value or a number outside its range
 */
export function parseBenchOptions(args: readonly string[], defaultFolder: string): BenchOptions {
  const values = new Map<string, string>();
  for (let index = 0; index < args.length; index += 1) {
    const flag = args[index] ?? "";
    if (plainFlags.has(flag)) {
      values.set(flag, "");
      continue;
    }
    if (!valueFlags.has(flag)) throw new RangeError(`Unknown flag ${flag}\n${usage}`);
    const value = args[index + 1];
    if (value === undefined) throw new RangeError(`${flag} needs a value\n${usage}`);
    values.set(flag, value);
    index += 1;
  }
  const workers = Number(values.get("--workers") ?? "0");
  if (!Number.isInteger(workers) || workers < 0 || workers > 64) {
    throw new RangeError(`--workers ${values.get("--workers")} is not a number from 1 to 64`);
  }
  return {
    short: values.has("--short"),
    only: (values.get("--only") ?? "").split(",").filter((name) => name !== ""),
    binary: values.get("--binary") ?? "",
    workers,
    jsonFile: values.get("--json") ?? "",
    seedFolder: values.get("--seed-dir") ?? "",
    workFolder: values.get("--dir") ?? defaultFolder,
    strict: values.has("--strict"),
  };
}
