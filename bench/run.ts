/** The bench's one command: `bun bench/run.ts --short`. See README.md beside this file. */
import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { BenchContext } from "./bench-context.ts";
import { type BenchOptions, parseBenchOptions } from "./bench-options.ts";
import { describeMachine } from "./machine.ts";
import { type ReportRow, renderJsonLine, renderReport, verdictOf } from "./report.ts";
import { measureIdentities, measureRevocation } from "./works/identities.ts";
import { measureLargeObjects } from "./works/large-objects.ts";
import { measureListing } from "./works/listing.ts";
import { measureKeyMemory, measureStart } from "./works/many-keys.ts";
import { measureMemory } from "./works/memory.ts";
import { measureComplete } from "./works/multipart.ts";
import { measurePolicy } from "./works/policy.ts";
import { measureScrape } from "./works/scrape.ts";
import { measureGet, measureMixed, measurePutMany, measurePutOne } from "./works/small-objects.ts";

/** What can be measured, by the name `--only` takes, in the order of the table. */
const works: Readonly<Record<string, (bench: BenchContext) => Promise<ReportRow[]>>> = {
  "put-1": measurePutOne,
  "put-64": measurePutMany,
  "get-64": measureGet,
  mixed: measureMixed,
  list: measureListing,
  large: measureLargeObjects,
  multipart: measureComplete,
  memory: measureMemory,
  "key-memory": measureKeyMemory,
  start: measureStart,
  policy: measurePolicy,
  revocation: measureRevocation,
  identities: measureIdentities,
  scrape: measureScrape,
};

/** Runs the wanted works one after the other and prints the table. @returns the process's exit code */
async function runBench(options: BenchOptions): Promise<number> {
  const unknown = options.only.filter((name) => !(name in works));
  if (unknown.length > 0)
    throw new RangeError(`--only ${unknown.join(",")} is none of ${Object.keys(works).join(", ")}`);
  const bench = new BenchContext(options, resolve(import.meta.dir, ".."));
  const rows: ReportRow[] = [];
  try {
    for (const [name, measure] of Object.entries(works)) {
      if (options.only.length > 0 && !options.only.includes(name)) continue;
      process.stderr.write(`${name} ... `);
      const startedMs = performance.now();
      rows.push(...(await measureOrReport(name, () => measure(bench))));
      process.stderr.write(`${((performance.now() - startedMs) / 1000).toFixed(0)} s\n`);
    }
    if (options.only.length === 0) bench.limits.measureAll();
    rows.unshift(...bench.limits.rows());
  } finally {
    bench.close();
  }
  process.stdout.write(renderReport(rows));
  if (options.jsonFile !== "") {
    const { short, workers, binary } = options;
    const about = {
      at: new Date().toISOString(),
      machine: describeMachine(),
      bun: Bun.version,
      cores: availableParallelism(),
      short,
      workers,
      binary,
    };
    appendFileSync(options.jsonFile, renderJsonLine(rows, about));
  }
  const verdicts = rows.map(verdictOf);
  return verdicts.includes("error") || (options.strict && verdicts.includes("miss")) ? 1 : 0;
}

/** A work that cannot run is one row with an error, and the others still run. */
async function measureOrReport(name: string, measure: () => Promise<ReportRow[]>): Promise<ReportRow[]> {
  try {
    return await measure();
  } catch (error) {
    const note = error instanceof Error ? error.message : String(error);
    return [{ work: name, measured: 0, unit: "", wanted: { kind: "none" }, limit: "", errorCount: 1, notes: [note] }];
  }
}

if (import.meta.main) {
  const defaultFolder = join(import.meta.dir, "results");
  try {
    process.exitCode = await runBench(parseBenchOptions(process.argv.slice(2), defaultFolder));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
