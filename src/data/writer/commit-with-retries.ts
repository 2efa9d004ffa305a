import type { MutationResult } from "#kernel/protocol/mutation.ts";
import type { PendingMutation } from "../catalog/sqlite-catalog/bucket-writer.ts";
import { type CommitFailure, describeCommitFailure, isNoRoom } from "./commit-failure.ts";

/** How one transaction is made, and what may be done when it fails. */
export interface CommitAttempts<Pending extends PendingMutation> {
  /** Commits all or, when it throws, nothing. @returns one result per mutation, in order */
  readonly commit: (pending: readonly Pending[]) => MutationResult[];
  /** Gives room back on a full disk. @returns true when there was some to give */
  readonly freeRoom: () => boolean;
  /** Told of each failed transaction. */
  readonly report: (failure: CommitFailure, pending: readonly Pending[]) => void;
}

/** Kinds of mutation that take bytes away and add none: they must work on a full disk. */
const freeingKinds: ReadonlySet<string> = new Set(["delete", "abortUpload"]);

/**
 * Commits mutations in one transaction. When it fails
 * - for want of room: those that free some are tried again by themselves, if need be with the disk's reserve given up;
 *   the others fail;
 * - because of the disk or the catalog: all fail;
 * - otherwise one of them is to blame: each is tried in a transaction of its own, so that it fails alone.
 * @returns one result per mutation, in order
 */
export function commitWithRetries<Pending extends PendingMutation>(
  pending: readonly Pending[],
  attempts: CommitAttempts<Pending>,
): MutationResult[] {
  const { results, failure, isFull } = tryCommit(pending, attempts);
  if (!failure) return results;
  if (isFull) return commitFreeing(pending, attempts, failure);
  if (failure.scope === "catalog" || pending.length === 1) return results;
  return pending.map((each) => tryCommit([each], attempts).results[0] ?? failure.result);
}

function commitFreeing<Pending extends PendingMutation>(
  pending: readonly Pending[],
  attempts: CommitAttempts<Pending>,
  failure: CommitFailure,
): MutationResult[] {
  const freeing = pending.filter(({ mutation }) => freeingKinds.has(mutation.kind));
  if (freeing.length === 0) return pending.map(() => failure.result);
  if (freeing.length < pending.length) {
    // A smaller transaction may fit; when it does not, it comes back here without the others.
    const freed = commitWithRetries(freeing, attempts);
    let next = 0;
    return pending.map(
      ({ mutation }) => (freeingKinds.has(mutation.kind) ? freed[next++] : undefined) ?? failure.result,
    );
  }
  return attempts.freeRoom() ? tryCommit(pending, attempts).results : pending.map(() => failure.result);
}

/** One transaction; when it fails every mutation's result is the failure. */
function tryCommit<Pending extends PendingMutation>(
  pending: readonly Pending[],
  attempts: CommitAttempts<Pending>,
): { readonly results: MutationResult[]; readonly failure?: CommitFailure; readonly isFull?: boolean } {
  try {
    return { results: attempts.commit(pending) };
  } catch (error) {
    const failure = describeCommitFailure(error);
    attempts.report(failure, pending);
    return { results: pending.map(() => failure.result), failure, isFull: isNoRoom(error) };
  }
}
