import type { BucketUsage, BucketUsageSink } from "#kernel/protocol/bucket-usage.ts";

/** Pause between two reports, and between two looks at buckets nobody has written to yet, ms. */
const reportMs = 1_000;
const scanMs = 50;
/** Buckets of one look: commits wait for no more. */
const scanCount = 4;

/** What the reporter reads. */
export interface UsageReporterOptions {
  readonly sink: BucketUsageSink;
  /** Buckets that have a folder. */
  readonly list: () => readonly string[];
  /** Counters of a bucket. @throws when its catalog cannot be read */
  readonly read: (bucketId: string) => { readonly objects: number; readonly bytes: number };
}

/** Tells the control thread what buckets hold: each one after the start, then those that changed, once a second. */
export class UsageReporter {
  readonly #options: UsageReporterOptions;
  readonly #changed = new Map<string, BucketUsage>();
  readonly #known = new Set<string>();
  #waiting: string[] = [];
  /** The control thread knows that all buckets were read. */
  #hasTold = false;
  #timers: readonly ReturnType<typeof setInterval>[] = [];

  constructor(options: UsageReporterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#waiting = [...this.#options.list()];
    const scan = setInterval(() => {
      this.scan();
      if (this.#waiting.length === 0) clearInterval(scan);
    }, scanMs);
    this.#timers = [scan, setInterval(() => this.report(), reportMs)];
    for (const timer of this.#timers) timer.unref();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** After each commit. */
  note(bucketId: string, { objects, bytes }: { readonly objects: number; readonly bytes: number }): void {
    this.#known.add(bucketId);
    this.#changed.set(bucketId, { bucketId, objects, bytes });
  }

  /** Looks at some buckets that nobody has written to yet. */
  scan(): void {
    for (const bucketId of this.#waiting.splice(0, scanCount)) {
      if (this.#known.has(bucketId)) continue;
      try {
        this.note(bucketId, this.#options.read(bucketId));
      } catch {
        // Whoever uses the bucket is told; what it holds is not known.
      }
    }
  }

  /** Tells what changed since the last report. */
  report(): void {
    const isComplete = this.#waiting.length === 0;
    if (this.#changed.size === 0 && !isComplete) return;
    const usages = [...this.#changed.values()];
    this.#changed.clear();
    if (usages.length > 0 || !this.#hasTold) this.#options.sink.take(usages, isComplete);
    this.#hasTold = isComplete;
  }
}
