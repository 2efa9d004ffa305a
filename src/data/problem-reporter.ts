import type { Clock } from "#kernel/base/clock.ts";
import type { CatalogProblem, CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";

/** The same problem of a bucket or object is sent on at most this often by one thread, ms. */
const intervalMs = 1_000;
/** Buckets and kinds remembered; beyond, all are forgotten and may be told again. */
const maxRemembered = 4_096;

/** Sends problems to the control thread: a damaged bucket under load must not flood it. */
export class ProblemReporter implements CatalogProblemSink {
  readonly #sink: CatalogProblemSink;
  readonly #clock: Clock;
  readonly #lastMs = new Map<string, number>();
  /** Buckets told to be lost since they were told to be in their place. */
  readonly #lost = new Set<string>();

  constructor(sink: CatalogProblemSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  report(problem: CatalogProblem): void {
    if (problem.kind === "lost") this.#lost.add(problem.bucketId);
    const name = `${problem.kind} ${problem.bucketId} ${problem.object ?? ""}`;
    const nowMs = this.#clock.monotonicMs();
    const lastMs = this.#lastMs.get(name);
    if (lastMs !== undefined && nowMs - lastMs < intervalMs) return;
    if (this.#lastMs.size >= maxRemembered) this.#lastMs.clear();
    this.#lastMs.set(name, nowMs);
    this.#sink.report(problem);
  }

  /** Does nothing for a bucket that was not told to be lost. */
  settle(bucketId: string, object?: string): void {
    if (object !== undefined) {
      this.#lastMs.delete(`object ${bucketId} ${object}`);
      this.#sink.settle(bucketId, object);
      return;
    }
    if (!this.#lost.delete(bucketId)) return;
    this.#lastMs.delete(`lost ${bucketId} `);
    this.#sink.settle(bucketId);
  }
}
