import type { Clock } from "#kernel/base/clock.ts";

/** Asks one dependency whether it works. */
export interface ReadinessProbe {
  /** As it stands in the answer, such as `control.db`. */
  readonly name: string;
  /** Its failure concerns a part of the work only, such as one bucket: the server is degraded, and takes requests. */
  readonly isPartial?: boolean;
  /** Resolves when it works, rejects when it does not. */
  check(): Promise<void>;
}

/** State of one dependency. */
export interface CheckResult {
  readonly name: string;
  readonly status: "ok" | "degraded" | "failed";
  readonly latencyMs: number;
  /** When the status last changed, RFC 3339, UTC. */
  readonly since: string;
}

/**
 * Whether the server accepts work, and why not. It does when `ok` or `degraded`: taken out of service for one damaged bucket,
 * it would serve none of the others. `starting`: it has not accepted work yet.
 */
export interface ReadinessReport {
  readonly status: "ok" | "degraded" | "starting" | "failed" | "draining";
  readonly checks: readonly CheckResult[];
}

/** What the readiness of the process is made of. */
export interface ReadinessOptions {
  readonly probes: readonly ReadinessProbe[];
  readonly clock: Clock;
  /** A failure's reason goes here, once per change: the public answer does not name it. */
  readonly onChange: (result: CheckResult, reason: string) => void;
  /** A probe that takes longer has failed, ms; 2,000 when absent. */
  readonly timeoutMs?: number;
}

/** Without a prober it is judged this often, ms: the log and the metrics tell of a full disk all the same. */
const judgeIntervalMs = 10_000;
/** An answer is reused this long, so that callers cannot make the disk sync at will. */
const reuseOkMs = 1000;
const reuseFailedMs = 50;

/** Asks all probes side by side; callers at the same time share one answer. */
export class Readiness {
  readonly #options: ReadinessOptions;
  readonly #last = new Map<string, CheckResult>();
  /** Questions without an answer yet. */
  readonly #asked = new Map<ReadinessProbe, Promise<undefined>>();
  #report: { readonly report: Promise<ReadinessReport>; untilMs: number } | undefined;
  #isDraining = false;
  #hasStarted = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** The server accepts work from now on: until here what does not work is on its way. Then it is judged by itself. */
  start(): void {
    this.#hasStarted = true;
    this.#report = undefined;
    this.#timer = setInterval(() => void this.report(), judgeIntervalMs);
    this.#timer.unref();
    void this.report();
  }

  /** From now on the server is not ready: it is about to stop. */
  drain(): void {
    this.#isDraining = true;
    clearInterval(this.#timer);
  }

  /** The states found last, without asking anybody. */
  get lastResults(): readonly CheckResult[] {
    return [...this.#last.values()];
  }

  /** Never rejects. */
  async report(): Promise<ReadinessReport> {
    const { clock } = this.#options;
    if (this.#report === undefined || clock.monotonicMs() >= this.#report.untilMs) {
      const current = { report: this.#checkAll(), untilMs: Number.POSITIVE_INFINITY };
      this.#report = current;
      const { status } = await current.report;
      const isSteady = status === "ok" || status === "degraded";
      current.untilMs = clock.monotonicMs() + (isSteady ? reuseOkMs : reuseFailedMs);
    }
    const report = await this.#report.report;
    return this.#isDraining ? { ...report, status: "draining" } : report;
  }

  async #checkAll(): Promise<ReadinessReport> {
    const checks = await Promise.all(this.#options.probes.map((probe) => this.#check(probe)));
    return { status: this.#summarize(checks), checks };
  }

  #summarize(checks: readonly CheckResult[]): ReadinessReport["status"] {
    if (!this.#hasStarted) return "starting";
    if (checks.some(({ status }) => status === "failed")) return "failed";
    return checks.some(({ status }) => status === "degraded") ? "degraded" : "ok";
  }

  async #check(probe: ReadinessProbe): Promise<CheckResult> {
    const { clock, onChange } = this.#options;
    const startMs = clock.monotonicMs();
    const reason = await this.#findReason(probe);
    const bad = probe.isPartial ? "degraded" : "failed";
    const status = reason === undefined ? "ok" : bad;
    const last = this.#last.get(probe.name);
    const since = last?.status === status ? last.since : new Date(clock.nowMs()).toISOString();
    const latencyMs = Math.round((clock.monotonicMs() - startMs) * 100) / 100;
    const result: CheckResult = { name: probe.name, status, latencyMs, since };
    if (!this.#hasStarted) return result;
    this.#last.set(probe.name, result);
    if (last?.status !== status && (last !== undefined || status !== "ok")) onChange(result, reason ?? "works again");
    return result;
  }

  /** One that hangs is not asked again beside itself. */
  #ask(probe: ReadinessProbe): Promise<undefined> {
    let answer = this.#asked.get(probe);
    if (answer === undefined) {
      answer = probe
        .check()
        .then(() => undefined)
        .finally(() => this.#asked.delete(probe));
      this.#asked.set(probe, answer);
    }
    return answer;
  }

  async #findReason(probe: ReadinessProbe): Promise<string | undefined> {
    const { timeoutMs = 2000 } = this.#options;
    const late = Promise.withResolvers<string>();
    const timer = setTimeout(() => late.resolve(`no answer within ${timeoutMs} ms`), timeoutMs);
    try {
      return await Promise.race([this.#ask(probe), late.promise]);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(timer);
    }
  }
}
