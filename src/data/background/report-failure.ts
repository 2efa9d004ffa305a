import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import { describeProblem, findProblemKind } from "../catalog/catalog-problem.ts";
import { isNoRoom } from "../writer/commit-failure.ts";

/** Where a failure of work in the background is told. */
export interface FailureSinks {
  readonly warn: (message: string, fields: Record<string, string | number | boolean>) => void;
  readonly problems: CatalogProblemSink;
}

/**
 * Tells of a step of the garbage collection that failed: as a problem of the bucket, else in the log with what to do.
 * @param bucketId empty when it was none's
 */
export function reportFailure({ warn, problems }: FailureSinks, bucketId: string, error: unknown): void {
  const kind = findProblemKind(error);
  const reason = describeProblem(error);
  if (kind !== undefined && bucketId !== "") problems.report({ bucketId, kind, reason });
  else
    warn(`Garbage collection failed, it is tried again: ${findAdvice(error)}`, {
      ...(bucketId && { bucketId }),
      reason,
    });
}

function findAdvice(error: unknown): string {
  if (isNoRoom(error)) return "freeing takes some room too, make some on the disk of the data folder";
  if (findProblemKind(error) !== undefined)
    return "see that the data folder and all in it belong to the user of the server (0600, folders 0700)";
  return "no object is affected, files nobody needs stay meanwhile; please report it, it is a fault of the server";
}
