/** Which of two builds is slower, and where: `bun bench/compare.ts --base main --change .`. See README.md beside this file. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BenchContext } from "./bench-context.ts";
import { type Build, openBuild } from "./compare/build.ts";
import { findSlower, minRuns, parseHistory } from "./compare/history.ts";
import { judgeRatios, minPairs, type PairedRatio } from "./compare/paired-ratio.ts";
import { parseFlags, splitList, textFlag, textsFlag } from "./flags.ts";
import { type LoadWork, operationOf } from "./load/load-plan.ts";
import type { MeasuredServer } from "./measured-server.ts";

/** A load that both builds are put under. */
interface ComparedWork {
  readonly connections: number;
  /** @param round number of the window, from 0: writes never meet the same keys twice */
  readonly workOf: (round: number) => LoadWork;
}

interface CompareOptions {
  readonly base: string;
  readonly change: string;
  readonly changeEnv: Readonly<Record<string, string>>;
  readonly works: readonly string[];
  readonly pairs: number;
  readonly seconds: number;
}

const root = resolve(import.meta.dir, "..");
const bucket = "bench-compare";
const layout = { kind: "flat", prefix: "object/" } as const;
const storedKeys = 4096;
const put = { sizeBytes: 4096, variants: 64 };
const get = { sizeBytes: 8192, variants: 64 };
const keysPerRound = 1_000_000;
const warmupSeconds = 4;

const puts = (round: number): LoadWork => ({
  ...{ kind: "put", layout: { kind: "flat", prefix: "put/" }, shape: put, batchCount: 8192 },
  ...{ firstIndex: round * keysPerRound, keyCount: keysPerRound },
});
const works: Readonly<Record<string, ComparedWork>> = {
  "put-1": { connections: 1, workOf: puts },
  "put-64": { connections: 64, workOf: puts },
  "get-64": { connections: 64, workOf: () => ({ kind: "get", layout, shape: get, keyCount: storedKeys }) },
};
const usage = `bun bench/compare.ts --base BUILD --change BUILD [flags]
bun bench/compare.ts --history FILE
  BUILD              a binary, a folder with the source, or a revision; a binary called minio is that store
  --change-env A=B   set for the change alone; may be given again
  --works A,B        of ${Object.keys(works).join(", ")} (default put-64,get-64)
  --pairs N          pairs of windows per work, at least ${minPairs} (default 12)
  --seconds N        length of a window (default 2)
  --history FILE     what bench/run.ts --json wrote: the newest run against those before it`;

const flags = {
  ...{ base: textFlag, change: textFlag, works: textFlag, pairs: textFlag, seconds: textFlag, history: textFlag },
  "change-env": textsFlag,
} as const;

/** @throws RangeError for flags that cannot be */
function parseOptions(args: string[]): CompareOptions | { readonly history: string } {
  const values = parseFlags(args, flags, usage);
  if (values.history !== undefined) return { history: values.history };
  const { base, change } = values;
  if (base === undefined || change === undefined) throw new RangeError(usage);
  const wanted = splitList(values.works ?? "put-64,get-64");
  const unknown = wanted.filter((name) => !(name in works));
  if (unknown.length > 0) throw new RangeError(`--works ${unknown.join(",")}: unknown\n${usage}`);
  const [pairs, seconds] = [Number(values.pairs ?? 12), Number(values.seconds ?? 2)];
  if (!Number.isInteger(pairs) || pairs < minPairs || !(seconds > 0)) throw new RangeError(usage);
  const changeEnv = Object.fromEntries((values["change-env"] ?? []).map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  return { base, change, changeEnv, works: wanted, pairs, seconds };
}

/** Both builds run all the time, one of them idle: windows alternate, and so does who begins. @returns the exit code */
async function compare(options: CompareOptions): Promise<number> {
  const bench = new BenchContext(
    {
      ...{ short: true, only: [], binary: "", workers: 0, jsonFile: "", seedFolder: "", strict: false },
      workFolder: join(root, "bench/results"),
    },
    root,
  );
  const builds: Build[] = [];
  const servers: MeasuredServer[] = [];
  try {
    for (const name of [options.base, options.change]) builds.push(openBuild(name, { root, folder: bench.folder }));
    for (const [index, { command, kind, root: folder }] of builds.entries()) {
      const env = index === 1 ? options.changeEnv : {};
      servers.push(await bench.startServer({ command, kind, root: folder, env }));
    }
    const [base, change] = servers;
    if (base === undefined || change === undefined) throw new Error("Two servers are wanted");
    for (const server of servers) {
      await server.createBucket(bucket);
      await bench.store(server, bucket, { layout, shape: get, keyCount: storedKeys });
    }
    let isSlower = false;
    for (const name of options.works) {
      const ratio = await compareWork(bench, { ...options, name, base, change });
      isSlower ||= ratio.verdict === "slower";
      process.stdout.write(`${renderRatio(name, ratio)}\n`);
    }
    return isSlower ? 1 : 0;
  } finally {
    for (const server of servers) await server.stop();
    for (const build of builds) build.remove();
    bench.close();
  }
}

async function compareWork(
  bench: BenchContext,
  { name, base, change, pairs, seconds }: Omit<CompareOptions, "base" | "change"> & CompareTargets,
): Promise<PairedRatio> {
  const work = works[name];
  if (work === undefined) throw new RangeError(name);
  let round = 0;
  const measure = async (server: MeasuredServer, windowSeconds: number) => {
    const { connections, workOf } = work;
    const load = { bucket, connections, work: workOf(round++), durationMs: windowSeconds * 1000 };
    const result = await bench.runLoad(server, load);
    if (result.errorCount > 0) throw new Error(`${name}: ${result.errors.join("; ")}`);
    return operationOf(result, "all").count / result.seconds;
  };
  for (const server of [base, change]) await measure(server, warmupSeconds);
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const order = pair % 2 === 0 ? [base, change] : [change, base];
    const rates = new Map<MeasuredServer, number>();
    for (const server of order) rates.set(server, await measure(server, seconds));
    const [before = 0, after = 0] = [rates.get(base), rates.get(change)];
    process.stderr.write(`${name} pair ${pair + 1}: ${before.toFixed(0)}/s and ${after.toFixed(0)}/s\n`);
    ratios.push(after / before);
  }
  return judgeRatios(ratios);
}

interface CompareTargets {
  readonly name: string;
  readonly base: MeasuredServer;
  readonly change: MeasuredServer;
}

function renderRatio(name: string, { median, low, high, verdict }: PairedRatio): string {
  const percent = (value: number) => `${((value - 1) * 100).toFixed(1)} %`;
  return `${name}: ${verdict}; ${percent(median)} (${percent(low)} to ${percent(high)}, 95 %)`;
}

/** @returns the exit code */
function compareHistory(file: string): number {
  const found = findSlower(parseHistory(readFileSync(file, "utf8")));
  if (found === undefined) {
    process.stdout.write(
      `Nothing to compare: fewer than ${minRuns} earlier runs of the same machine, form, workers and binary\n`,
    );
    return 0;
  }
  for (const { work, measured, unit, median } of found) {
    process.stdout.write(`${work}: worse than every earlier run, ${measured} ${unit} against ${median} (median)\n`);
  }
  if (found.length === 0) process.stdout.write("Nothing got worse\n");
  return found.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  try {
    const options = parseOptions(process.argv.slice(2));
    process.exitCode = "history" in options ? compareHistory(options.history) : await compare(options);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
