import { Exchange } from "./exchange.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { LoadConnection } from "./load-connection.ts";
import type { LoadPlan, LoadResult, OperationResult } from "./load-plan.ts";
import { machineBusySeconds, processorSeconds } from "./process-usage.ts";
import type { Workload } from "./workload.ts";

/** A request without a byte moved for this long is given up and counted as an error. */
const stallMs = 60_000;
/** The run ends after this many errors: the numbers would mean nothing. */
const errorLimit = 200;
const reportedErrors = 5;

interface Tally {
  readonly histogram: LatencyHistogram;
  bytes: number;
}

/** Drives one workload over all connections: a warm-up, then timed windows until the plan's duration or the work is used up. */
export class LoadRunner {
  readonly #plan: LoadPlan;
  readonly #workload: Workload;
  readonly #connections: LoadConnection[] = [];
  readonly #tallies = new Map<string, Tally>();
  readonly #errors: string[] = [];
  #errorCount = 0;
  #timed = false;
  #deadlineNs = 0;
  #outstanding = 0;
  #windowDone: () => void = () => undefined;
  #elapsedNs = 0;
  #generatorCpuSeconds = 0;
  #serverCpuSeconds = 0;
  #machineSeconds = 0;
  #requestsLeft = Number.POSITIVE_INFINITY;

  constructor(plan: LoadPlan, workload: Workload) {
    this.#plan = plan;
    this.#workload = workload;
    if (plan.requestLimit > 0) this.#requestsLeft = plan.requestLimit;
  }

  /** @throws Error when the server cannot be connected to */
  async run(): Promise<LoadResult> {
    const { connections, warmupMs, durationMs } = this.#plan;
    for (let index = 0; index < connections; index += 1) {
      const connection = new LoadConnection(this.#plan, new Exchange(index), this.#onDone);
      this.#connections.push(connection);
      await connection.open();
    }
    const stallTimer = setInterval(() => this.#abandonStalled(), 1000);
    const warmUntilMs = performance.now() + warmupMs;
    for (let leftMs = warmupMs; leftMs > 0 && this.#mayGoOn() && this.#workload.prepare(); ) {
      await this.#window(leftMs);
      leftMs = warmUntilMs - performance.now();
    }
    this.#timed = true;
    while (this.#elapsedNs < durationMs * 1e6 && this.#mayGoOn() && this.#workload.prepare()) {
      await this.#measuredWindow(durationMs - this.#elapsedNs / 1e6);
    }
    clearInterval(stallTimer);
    for (const connection of this.#connections) connection.close();
    return this.#result();
  }

  async #measuredWindow(limitMs: number): Promise<void> {
    const serverBefore = processorSeconds(this.#plan.serverPid);
    const ownBefore = process.cpuUsage();
    const machineBefore = machineBusySeconds();
    const startNs = Bun.nanoseconds();
    await this.#window(limitMs);
    this.#elapsedNs += Bun.nanoseconds() - startNs;
    const own = process.cpuUsage(ownBefore);
    this.#generatorCpuSeconds += (own.user + own.system) / 1e6;
    this.#serverCpuSeconds += processorSeconds(this.#plan.serverPid) - serverBefore;
    this.#machineSeconds += machineBusySeconds() - machineBefore;
  }

  /** Keeps every connection busy until the time is over or nothing is left, then waits for the answers under way. */
  async #window(limitMs: number): Promise<void> {
    const nowNs = Bun.nanoseconds();
    this.#deadlineNs = nowNs + limitMs * 1e6;
    this.#outstanding = this.#connections.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#windowDone = resolve;
    for (const connection of this.#connections) this.#sendNext(connection, nowNs);
    await promise;
  }

  #sendNext(connection: LoadConnection, nowNs: number): void {
    if (nowNs < this.#deadlineNs && this.#mayGoOn() && this.#workload.next(connection.exchange)) {
      this.#requestsLeft -= 1;
      connection.send(nowNs);
      return;
    }
    this.#outstanding -= 1;
    if (this.#outstanding === 0) this.#windowDone();
  }

  #mayGoOn(): boolean {
    return this.#requestsLeft > 0 && this.#errorCount < errorLimit;
  }

  readonly #onDone = (connection: LoadConnection, problem: string): void => {
    const { exchange, response } = connection;
    let found = problem === "" ? commonProblem(connection) : problem;
    if (found === "") found = this.#workload.settle(exchange, response);
    else this.#workload.fail(exchange);
    const nowNs = Bun.nanoseconds();
    if (found !== "") {
      this.#errorCount += 1;
      if (this.#errors.length < reportedErrors)
        this.#errors.push(`${exchange.operation} of ${exchange.index}: ${found}`);
    } else if (this.#timed) {
      const tally = this.#tallyOf(exchange.operation);
      tally.histogram.record((nowNs - connection.startedNs) / 1000);
      tally.bytes += response.bodyBytes + (exchange.upload?.sizeBytes ?? 0);
    }
    this.#sendNext(connection, nowNs);
  };

  #tallyOf(operation: string): Tally {
    const known = this.#tallies.get(operation);
    if (known !== undefined) return known;
    const tally: Tally = { histogram: new LatencyHistogram(), bytes: 0 };
    this.#tallies.set(operation, tally);
    return tally;
  }

  #abandonStalled(): void {
    const limitNs = Bun.nanoseconds() - stallMs * 1e6;
    for (const connection of this.#connections) {
      if (connection.progressNs < limitNs) connection.abandon(`No byte moved for ${stallMs / 1000} s`);
    }
  }

  #result(): LoadResult {
    const all: Tally = { histogram: new LatencyHistogram(), bytes: 0 };
    const operations: Record<string, OperationResult> = {};
    for (const [name, tally] of this.#tallies) {
      operations[name] = summary(tally);
      all.histogram.add(tally.histogram);
      all.bytes += tally.bytes;
    }
    operations["all"] = summary(all);
    return {
      seconds: this.#elapsedNs / 1e9,
      operations,
      errorCount: this.#errorCount,
      errors: this.#errors,
      generatorCpuSeconds: this.#generatorCpuSeconds,
      serverCpuSeconds: this.#serverCpuSeconds,
      otherCpuSeconds: Math.max(0, this.#machineSeconds - this.#serverCpuSeconds - this.#generatorCpuSeconds),
    };
  }
}

/** What every answer must satisfy, whatever the workload. */
function commonProblem(connection: LoadConnection): string {
  const { exchange, response } = connection;
  if (response.status !== exchange.expectedStatus) {
    return `Status ${response.status}, wanted ${exchange.expectedStatus}: ${exchange.kept.toString("latin1", 0, Math.min(300, exchange.keptBytes))}`;
  }
  if (exchange.damaged) return "Body differs from what was stored";
  if (
    exchange.download !== undefined &&
    exchange.operation !== "HeadObject" &&
    response.bodyBytes !== exchange.download.sizeBytes
  ) {
    return `Body has ${response.bodyBytes} bytes, wanted ${exchange.download.sizeBytes}`;
  }
  if (exchange.expectedEtag !== "" && response.etag !== exchange.expectedEtag) {
    return `ETag ${response.etag}, wanted ${exchange.expectedEtag}`;
  }
  return "";
}

function summary(tally: Tally): OperationResult {
  const { histogram } = tally;
  return {
    count: histogram.count,
    bytes: tally.bytes,
    p50Us: Math.round(histogram.percentileUs(0.5)),
    p99Us: Math.round(histogram.percentileUs(0.99)),
    maxUs: Math.round(histogram.maxUs),
  };
}
