/** The load suite's one command: `bun bench/k6/run.ts --short`. See README.md beside this file. */
import { appendFileSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { BenchContext, newCredentials } from "../bench-context.ts";
import { describeMachine } from "../machine.ts";
import { benchRegion, freePort, type MeasuredServer } from "../measured-server.ts";
import { type Baselines, latencyLimits, readBaselines, saveBaselines } from "./baselines.ts";
import { type K6Options, parseK6Options, scenarioNames } from "./k6-options.ts";
import { readFirstAnswer, readSummary, renderSummaries, type ScenarioResult, suiteOperations } from "./k6-summary.ts";

/** Where k6 sends its load. */
interface K6Target {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

const root = resolve(import.meta.dir, "../..");
const baselinesFile = join(import.meta.dir, "baselines.json");
const bucket = "k6-suite";
/** By then k6 asks every 5 ms. */
const k6StartMs = 2000;

/** Runs the wanted scenarios one after the other. */
class K6Suite {
  readonly #options: K6Options;
  readonly #bench: BenchContext;
  readonly #k6: string;
  readonly #baselines: Baselines | undefined;
  readonly #machine = describeMachine();
  readonly #running = new Set<Bun.Subprocess>();

  /** @throws Error when k6 is nowhere */
  constructor(options: K6Options, bench: BenchContext) {
    this.#options = options;
    this.#bench = bench;
    this.#k6 = options.k6 || findK6();
    this.#baselines = options.short || options.saveBaselines ? undefined : readBaselines(baselinesFile);
  }

  /** What of latency is judged, in a sentence. */
  describeLimits(): string {
    if (this.#options.short) return "latency is not judged in the short form";
    if (this.#options.saveBaselines) return "latency is not judged, it becomes the baseline";
    if (this.#baselines?.machine === this.#machine) return "latency is judged by this machine's baselines, times 3";
    return `latency is not judged: the baselines are of another machine (${this.#baselines?.machine ?? "there are none"})`;
  }

  /** @throws Error when k6 cannot run */
  async run(): Promise<ScenarioResult[]> {
    const { only, endpoint } = this.#options;
    const wanted = scenarioNames.filter((name) =>
      only.length > 0 ? only.includes(name) : name !== "cold" || endpoint === "",
    );
    const warm = wanted.filter((name) => name !== "cold");
    const results: ScenarioResult[] = [];
    if (endpoint !== "") results.push(...(await this.#runAll(warm, targetOfEnvironment(endpoint))));
    else if (warm.length > 0) {
      results.push(...(await this.#bench.withServer({}, async (server) => this.#runAll(warm, await prepare(server)))));
    }
    if (wanted.includes("cold")) results.push(await this.#runCold());
    return results;
  }

  async #runAll(names: readonly string[], target: K6Target): Promise<ScenarioResult[]> {
    const results: ScenarioResult[] = [];
    for (const name of names) results.push(readSummary(name, await this.#runScenario(name, target)));
    return results;
  }

  /** Fills a folder, stops its server, and asks the next one from its first moment on. */
  async #runCold(): Promise<ScenarioResult> {
    const credentials = newCredentials();
    const dataFolder = join(this.#bench.folder, "cold");
    const port = freePort();
    const first = await this.#bench.startServer({ ...credentials, dataFolder, port });
    try {
      await this.#runScenario("fill", await prepare(first));
    } finally {
      await first.stop();
    }
    const asking = this.#runScenario("cold", targetOf({ ...credentials, port }));
    await Bun.sleep(k6StartMs);
    const startedMs = Date.now();
    const second = await this.#bench.startServer({ ...credentials, dataFolder, port }).catch((error: unknown) => {
      asking.catch(() => undefined);
      for (const child of this.#running) child.kill();
      throw error;
    });
    try {
      const summary = await asking;
      const firstAnswerMs = (readFirstAnswer(summary) ?? Number.NaN) - startedMs;
      return { ...readSummary("cold", summary), firstAnswerMs };
    } finally {
      await second.stop();
    }
  }

  /** @returns the summary's text. @throws Error when k6 did not come to its end */
  async #runScenario(name: string, target: K6Target): Promise<string> {
    process.stderr.write(`${name} ... `);
    const summaryFile = join(this.#bench.folder, `${name}.json`);
    const { short } = this.#options;
    // The cold start's first questions find no server, each worth a line to k6.
    const quiet = name === "cold" ? ["--quiet", "--log-output=none"] : ["--quiet"];
    const child = Bun.spawn([this.#k6, "run", ...quiet, join(import.meta.dir, "suite.ts")], {
      env: {
        ...process.env,
        K6_NO_USAGE_REPORT: "true",
        MAXIOFS_K6_SCENARIO: name,
        MAXIOFS_K6_SHORT: short ? "1" : "0",
        MAXIOFS_K6_ENDPOINT: target.endpoint,
        MAXIOFS_K6_ACCESS_KEY: target.accessKey,
        MAXIOFS_K6_SECRET_KEY: target.secretKey,
        MAXIOFS_K6_BUCKET: bucket,
        MAXIOFS_K6_REGION: benchRegion,
        MAXIOFS_K6_OPERATIONS: suiteOperations.join(","),
        MAXIOFS_K6_LIMITS: JSON.stringify(latencyLimits(this.#baselines, this.#machine, name)),
        MAXIOFS_K6_SUMMARY: summaryFile,
        MAXIOFS_K6_LARGE_MIB: short ? "8" : "64",
        MAXIOFS_K6_DEEP_KEYS: short ? "600" : "5000",
      },
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
    });
    this.#running.add(child);
    const code = await child.exited;
    this.#running.delete(child);
    process.stderr.write("done\n");
    if (code !== 0 && code !== thresholdsMissed) throw new Error(`k6 ended with code ${code} in ${name}`);
    return readFileSync(summaryFile, "utf8");
  }
}

/** k6's exit code when it ran to the end and a threshold was not met. */
const thresholdsMissed = 99;

async function prepare(server: MeasuredServer): Promise<K6Target> {
  await server.createBucket(bucket);
  return targetOf(server);
}

function targetOf(server: Pick<MeasuredServer, "port" | "accessKey" | "secretKey">): K6Target {
  const { port, accessKey, secretKey } = server;
  return { endpoint: `http://127.0.0.1:${port}`, accessKey, secretKey };
}

/** @throws RangeError when the keys are missing */
function targetOfEnvironment(endpoint: string): K6Target {
  const [accessKey, secretKey] = [process.env["MAXIOFS_K6_ACCESS_KEY"], process.env["MAXIOFS_K6_SECRET_KEY"]];
  if (!accessKey || !secretKey) {
    throw new RangeError("--endpoint wants MAXIOFS_K6_ACCESS_KEY and MAXIOFS_K6_SECRET_KEY, and the bucket k6-suite");
  }
  return { endpoint, accessKey, secretKey };
}

/** @throws Error when it is nowhere */
function findK6(): string {
  const path = [join(root, ".tools/bin"), join(homedir(), "go/bin"), process.env["PATH"] ?? ""].join(":");
  const found = Bun.which("k6", { PATH: path });
  if (found === null) throw new Error("k6 is not installed; scripts/ensure-test-tools installs it");
  return found;
}

/** @returns the process's exit code: 0, or 1 when a threshold was missed */
async function runSuite(options: K6Options): Promise<number> {
  const bench = new BenchContext(
    {
      short: options.short,
      only: [],
      binary: options.binary,
      workers: 0,
      jsonFile: "",
      seedFolder: "",
      workFolder: join(root, "bench/results"),
      strict: false,
    },
    root,
  );
  try {
    const suite = new K6Suite(options, bench);
    const results = await suite.run();
    process.stdout.write(`${renderSummaries(results)}${suite.describeLimits()}\n`);
    // What missed a threshold was wrong, or could not begin what it should: its latency is no baseline.
    if (options.saveBaselines)
      saveBaselines(
        baselinesFile,
        results.filter(({ missed }) => missed.length === 0),
      );
    if (options.jsonFile !== "") {
      const about = { at: new Date().toISOString(), machine: describeMachine(), short: options.short };
      appendFileSync(
        options.jsonFile,
        results.map((result) => `${JSON.stringify({ ...about, ...result })}\n`).join(""),
      );
    }
    return results.some(({ missed }) => missed.length > 0) ? 1 : 0;
  } finally {
    bench.close();
  }
}

if (import.meta.main) {
  try {
    process.exitCode = await runSuite(parseK6Options(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
