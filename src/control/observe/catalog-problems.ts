import type { Clock } from "#kernel/base/clock.ts";
import {
  type CatalogProblem,
  type CatalogProblemKind,
  type CatalogProblemSink,
  catalogProblemKinds,
} from "#kernel/protocol/catalog-problem.ts";
import type { Log } from "./log.ts";

/** A bucket as far as the log names it. */
interface NamedBucket {
  readonly name: string;
}

/** What the register needs. */
export interface CatalogProblemsOptions {
  readonly clock: Clock;
  readonly log: Pick<Log, "error" | "info">;
}

interface Entry {
  readonly problem: CatalogProblem;
  lastMs: number;
  loggedMs: number;
  /** Damaged objects that somebody looks after; over when the last one is settled. */
  readonly objects: Set<string>;
  /** There are more, which nobody looks after: it counts as long as it is held. */
  hasOthers: boolean;
}

/** Damaged objects of one bucket that are told apart. */
const maxObjects = 1_000;
/** One bucket's problem of one kind is logged at most this often, ms. */
const logIntervalMs = 60_000;

/**
 * How long a problem counts after it was last met, ms. A damaged catalog does not heal by itself: until the process ends. What
 * begins and ends by itself is met again by the writer within seconds while it lasts.
 */
const holdMs: Readonly<Record<CatalogProblemKind, number>> = {
  lost: 60_000,
  damaged: Number.POSITIVE_INFINITY,
  locked: 60_000,
  unreadable: 60_000,
  object: 3_600_000,
};

/** States that are logged when they begin, and not again while they last. */
const loggedOnce: ReadonlySet<CatalogProblemKind> = new Set(["lost", "locked"]);

const messages: Readonly<Record<CatalogProblemKind, string>> = {
  lost: "A bucket's files are not in their place: its requests are refused",
  damaged: "A bucket's catalog is damaged: run `maxiofs check`",
  locked: "A bucket's catalog is locked by another process: its writes are refused",
  unreadable:
    "A bucket's files cannot be read or written: see that they belong to the user of the server (0600, folders 0700)",
  object: "An object's stored bytes are damaged or missing: it is not served; run `maxiofs check`",
};

/** Which buckets have which problem, for readiness, metrics and the log. */
export class CatalogProblems implements CatalogProblemSink {
  readonly #options: CatalogProblemsOptions;
  readonly #entries = new Map<string, Entry>();
  #buckets: ReadonlyMap<string, NamedBucket> = new Map();

  constructor(options: CatalogProblemsOptions) {
    this.#options = options;
  }

  /** From now on problems of these buckets count, those of others (deleted ones) do not. */
  useBuckets(buckets: ReadonlyMap<string, NamedBucket>): void {
    this.#buckets = buckets;
  }

  /** Fields of a line of a thread that knows a bucket by its id alone, with the name. */
  withName(fields: Readonly<Record<string, string | number | boolean>>): Record<string, string | number | boolean> {
    const { bucketId } = fields;
    const bucket = typeof bucketId === "string" ? this.#buckets.get(bucketId)?.name : undefined;
    return { ...(bucket !== undefined && { bucket }), ...fields };
  }

  report(problem: CatalogProblem): void {
    const bucket = this.#buckets.get(problem.bucketId);
    if (!bucket) return;
    const name = `${problem.bucketId} ${problem.kind}`;
    const nowMs = this.#options.clock.monotonicMs();
    this.#endIfOld(name, nowMs);
    const entry = this.#entries.get(name) ?? makeEntry(problem, nowMs);
    this.#entries.set(name, entry);
    noteObject(entry, problem.object);
    entry.lastMs = nowMs;
    const isNew = entry.loggedMs === Number.NEGATIVE_INFINITY;
    if (!isNew && (loggedOnce.has(problem.kind) || nowMs - entry.loggedMs < logIntervalMs)) return;
    entry.loggedMs = nowMs;
    const { bucketId, kind, reason, key } = problem;
    this.#options.log.error(messages[kind], {
      bucket: bucket.name,
      bucketId,
      problem: kind,
      ...(key !== undefined && { key }),
      reason,
    });
  }

  settle(bucketId: string, object?: string): void {
    const name = `${bucketId} ${object === undefined ? "lost" : "object"}`;
    const entry = this.#entries.get(name);
    if (object !== undefined) entry?.objects.delete(object);
    if (entry?.objects.size === 0 && !entry.hasOthers) this.#end(name);
  }

  /** Buckets that have each problem now. */
  count(): Record<CatalogProblemKind, number> {
    this.#dropOld();
    const counts = { lost: 0, damaged: 0, locked: 0, unreadable: 0, object: 0 };
    for (const { problem } of this.#entries.values()) counts[problem.kind] += 1;
    return counts;
  }

  /** Resolves when no bucket has a problem. @throws Error with the numbers of buckets by problem */
  async check(): Promise<void> {
    const counts = this.count();
    const found = catalogProblemKinds.filter((kind) => counts[kind] > 0);
    if (found.length > 0) throw new Error(found.map((kind) => `${counts[kind]} ${kind}`).join(", "));
  }

  #dropOld(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [name, { problem }] of this.#entries) {
      if (this.#buckets.has(problem.bucketId)) this.#endIfOld(name, nowMs);
      else this.#entries.delete(name);
    }
  }

  #endIfOld(name: string, nowMs: number): void {
    const entry = this.#entries.get(name);
    if (entry && nowMs - entry.lastMs > holdMs[entry.problem.kind]) this.#end(name);
  }

  #end(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#entries.delete(name);
    const { bucketId, kind } = entry.problem;
    const bucket = this.#buckets.get(bucketId)?.name ?? "";
    this.#options.log.info("A bucket's problem is over", { bucket, bucketId, problem: kind });
  }
}

function makeEntry(problem: CatalogProblem, nowMs: number): Entry {
  return { problem, lastMs: nowMs, loggedMs: Number.NEGATIVE_INFINITY, objects: new Set(), hasOthers: false };
}

function noteObject(entry: Entry, object: string | undefined): void {
  if (entry.problem.kind !== "object") return;
  if (object === undefined || entry.objects.size >= maxObjects) entry.hasOthers = true;
  else entry.objects.add(object);
}
