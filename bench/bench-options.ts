import { parseFlags, plainFlag, splitList, textFlag } from "./flags.ts";

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

const flags = {
  ...{ short: plainFlag, strict: plainFlag, only: textFlag, binary: textFlag, workers: textFlag },
  ...{ json: textFlag, "seed-dir": textFlag, dir: textFlag },
} as const;

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
  const values = parseFlags(args, flags, usage);
  const workers = Number(values.workers ?? "0");
  if (values.workers !== undefined && !(Number.isInteger(workers) && workers >= 1 && workers <= 64)) {
    throw new RangeError(`--workers ${values.workers} is not a number from 1 to 64`);
  }
  return {
    short: values.short ?? false,
    only: splitList(values.only),
    binary: values.binary ?? "",
    workers,
    jsonFile: values.json ?? "",
    seedFolder: values["seed-dir"] ?? "",
    workFolder: values.dir ?? defaultFolder,
    strict: values.strict ?? false,
  };
}
