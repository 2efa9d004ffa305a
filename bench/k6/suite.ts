/**
 * The load suite, one scenario per run: `k6 run -e MAXIOFS_K6_SCENARIO=quick ... bench/k6/suite.ts`. `run.ts` gives all
 * that it needs; README.md has the list.
 */
import type { Options, Scenario } from "k6/options";
import { coldStart } from "./cold-start.ts";
import { large, multipart, ranges, storeRanged } from "./large-objects.ts";
import { deepListing, storeDeep } from "./listings.ts";
import { download, downloadKeys, mixed, smallKeys, store, upload, verify } from "./small-objects.ts";

/** A load: what is stored before it, one iteration of it, its full and its short form. */
interface SuiteScenario {
  readonly prepare?: () => void;
  readonly iterate: () => void;
  readonly long: Scenario;
  readonly short: Scenario;
}

const scenarios: Readonly<Record<string, SuiteScenario>> = {
  fill: { iterate: () => store(smallKeys), long: once(), short: once() },
  upload: {
    iterate: upload,
    long: ramp(1, [
      ["30s", 10],
      ["60s", 50],
      ["60s", 50],
      ["10s", 0],
    ]),
    short: steady(4, "1s"),
  },
  download: { prepare: () => store(downloadKeys), iterate: download, long: steady(100, "60s"), short: steady(4, "1s") },
  mixed: {
    prepare: () => store(smallKeys),
    iterate: mixed,
    long: ramp(25, [
      ["30s", 25],
      ["5s", 100],
      ["30s", 100],
      ["5s", 25],
      ["20s", 25],
    ]),
    short: steady(4, "1s"),
  },
  quick: { prepare: () => store(smallKeys), iterate: mixed, long: steady(5, "30s"), short: steady(2, "1s") },
  stress: { prepare: () => store(smallKeys), iterate: mixed, long: steady(200, "300s"), short: steady(16, "1s") },
  multipart: { iterate: multipart, long: steady(4, "30s"), short: shared(1, 1) },
  ranges: { prepare: storeRanged, iterate: ranges, long: steady(8, "30s"), short: shared(2, 4) },
  large: { iterate: large, long: shared(4, 24), short: shared(1, 1) },
  deep: { prepare: storeDeep, iterate: deepListing, long: steady(4, "30s"), short: shared(2, 2) },
  arrival: {
    prepare: () => store(smallKeys),
    iterate: mixed,
    long: arrivals(100, "60s"),
    short: arrivals(20, "1s"),
  },
  verify: { iterate: verify, long: steady(16, "30s"), short: steady(2, "1s") },
  cold: { iterate: coldStart, long: once(), short: once() },
};

const name = __ENV["MAXIOFS_K6_SCENARIO"] ?? "quick";
const scenario = scenarios[name];
if (scenario === undefined)
  throw new Error(`MAXIOFS_K6_SCENARIO ${name} is none of ${Object.keys(scenarios).join(", ")}`);
const isShort = __ENV["MAXIOFS_K6_SHORT"] === "1";
/** Highest p95 by operation, milliseconds; empty where latency is not judged. */
const latencyLimits: Readonly<Record<string, number>> = JSON.parse(__ENV["MAXIOFS_K6_LIMITS"] ?? "{}");
const operations = (__ENV["MAXIOFS_K6_OPERATIONS"] ?? "").split(",").filter((operation) => operation !== "");

/** Read by k6. */
export const options: Options = {
  scenarios: { [name]: { ...(isShort ? scenario.short : scenario.long), exec: iterate.name } },
  setupTimeout: "180s",
  insecureSkipTLSVerify: __ENV["MAXIOFS_K6_INSECURE"] === "1",
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds: {
    wrong_answers: ["count==0"],
    wrong_bytes: ["count==0"],
    // An open-loop load that cannot begin its iterations measures too little; how many it can is a matter of speed.
    ...(isShort ? {} : { dropped_iterations: ["count==0"] }),
    // A series by operation is in the summary only when something is asked of it.
    ...Object.fromEntries(
      operations.map((operation) => [`http_req_duration{operation:${operation}}`, [limitOf(operation)]]),
    ),
  },
};

/** Called by k6 once before the load. */
export function setup(): void {
  scenario?.prepare?.();
}

/** Called by k6 again and again, by the scenario's `exec`. */
export function iterate(): void {
  scenario?.iterate();
}

/** Called by k6 at the end. @returns the summary for `run.ts` by the name of its file */
export function handleSummary(data: unknown): Record<string, string> {
  return { [__ENV["MAXIOFS_K6_SUMMARY"] ?? "stdout"]: JSON.stringify(data) };
}

function limitOf(operation: string): string {
  const limit = latencyLimits[operation];
  return limit === undefined ? "max>=0" : `p(95)<${limit}`;
}

function once(): Scenario {
  return shared(1, 1);
}

function shared(vus: number, iterations: number): Scenario {
  return { executor: "shared-iterations", vus, iterations, maxDuration: "300s" };
}

function steady(vus: number, duration: string): Scenario {
  return { executor: "constant-vus", vus, duration };
}

function ramp(startVUs: number, stages: readonly (readonly [string, number])[]): Scenario {
  return {
    executor: "ramping-vus",
    startVUs,
    stages: stages.map(([duration, target]) => ({ duration, target })),
    gracefulRampDown: "10s",
  };
}

/** Requests arrive at this rate whether the server keeps up or not. */
function arrivals(rate: number, duration: string): Scenario {
  return { executor: "constant-arrival-rate", rate, timeUnit: "1s", duration, preAllocatedVUs: 50, maxVUs: 200 };
}
