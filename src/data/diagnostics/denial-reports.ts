import type { ReportedDenial } from "#kernel/protocol/diagnostics.ts";

/** Different denials that wait at the same time; further ones are only counted. */
export const maxWaitingReports = 1000;
/** Denials wait so long for their equals, ms. */
const gatherMs = 1000;
/** UTF-16 units of a report's agent. */
const maxAgentLength = 256;

/** What reporting needs. */
export interface DenialReportsOptions {
  /** @param droppedCount denials that had no room */
  readonly send: (denials: readonly ReportedDenial[], droppedCount: number) => void;
  /** Calls once, later. */
  readonly after: (ms: number, call: () => void) => void;
}

/** Denials on their way to the audit: equal ones are one, their number is bounded, and no request waits for any of it. */
export class DenialReports {
  readonly #options: DenialReportsOptions;
  readonly #waiting = new Map<string, { denial: Omit<ReportedDenial, "count">; count: number }>();
  #droppedCount = 0;
  #isScheduled = false;
  #isUnderWay = false;

  constructor(options: DenialReportsOptions) {
    this.#options = options;
  }

  /** Counts a denial. */
  add(denial: Omit<ReportedDenial, "count">): void {
    const key = JSON.stringify([denial.actor?.accessKeyId, denial.action, denial.bucket?.bucketId, denial.tenantId]);
    const found = this.#waiting.get(key);
    if (found !== undefined) found.count++;
    else if (this.#waiting.size >= maxWaitingReports) this.#droppedCount++;
    else {
      const agent = denial.agent.slice(0, maxAgentLength);
      this.#waiting.set(key, { denial: { ...denial, agent }, count: 1 });
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.after(gatherMs, () => this.#sendDue());
  }

  /** What was sent has been taken over: more may come. */
  taken(): void {
    this.#isUnderWay = false;
    if (!this.#isScheduled) this.flush();
  }

  /** Sends what waits, at once. */
  flush(): void {
    if (this.#waiting.size === 0) return;
    const denials = [...this.#waiting.values()].map(({ denial, count }) => ({ ...denial, count }));
    this.#waiting.clear();
    this.#isUnderWay = true;
    this.#options.send(denials, this.#droppedCount);
    this.#droppedCount = 0;
  }

  #sendDue(): void {
    this.#isScheduled = false;
    if (!this.#isUnderWay) this.flush();
  }
}
