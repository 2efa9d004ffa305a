import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import { describeProblem, findProblemKind } from "../catalog/catalog-problem.ts";
import type { GroupCommit } from "./group-commit.ts";

const intervalMs = 1_000;

/** What the watch needs. */
export interface CatalogWatchOptions {
  readonly commits: GroupCommit;
  readonly problems: CatalogProblemSink;
}

/**
 * Looks once a second whether the catalogs that are open are still in their places: 5 us each, 256 at most. Commits look by
 * themselves; this is for buckets that nobody writes to, and it says when a catalog is back. A connection whose file is gone
 * is kept: it may hold the only handle of that file.
 */
export class CatalogWatch {
  readonly #options: CatalogWatchOptions;
  readonly #lost = new Set<string>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: CatalogWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks at all of them now. */
  look(): void {
    const { commits, problems } = this.#options;
    for (const writer of commits.openWriters()) {
      const { bucketId } = writer;
      try {
        writer.requireInPlace();
        this.#lost.delete(bucketId);
        // Also when this has not seen it go: a commit may have, between two looks.
        problems.settle(bucketId);
      } catch (error) {
        const kind = findProblemKind(error);
        if (!kind) throw error;
        // Where only the log was removed, or the catalog was moved and not its log, this makes the catalog whole.
        if (!this.#lost.has(bucketId)) commits.checkpoint(bucketId);
        this.#lost.add(bucketId);
        problems.report({ bucketId, kind, reason: describeProblem(error) });
      }
    }
  }
}
