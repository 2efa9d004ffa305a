import type { CheckResult } from "./check-data-folder.ts";

const maxNamedBuckets = 20;

/** What else the summary tells of, a sentence each. */
export interface CheckSurroundings {
  /** What is wrong outside the buckets. */
  readonly damage: readonly string[];
  /** What could not be had outside the buckets. */
  readonly unavailable: readonly string[];
}

/** How a check ends: 0 everything is sound, 1 problems were found, 2 something could not be checked. */
export function checkExitCode(result: CheckResult, { damage, unavailable }: CheckSurroundings): 0 | 1 | 2 {
  if (result.problems + damage.length > 0) return 1;
  return result.unreadable + unavailable.length > 0 ? 2 : 0;
}

/** The summary of a check: what was read, what is affected, what to do. Lines without line feed at the end. */
export function describeCheck(result: CheckResult, { damage, unavailable }: CheckSurroundings): string {
  const { buckets, objects, versions, bytes, affectedBuckets, missing, corrupt, drift, orphaned } = result;
  const lines = [`Summary: ${buckets} buckets, ${objects} objects, ${versions} versions, ${bytes} bytes`];
  const problems = result.problems + damage.length;
  const unreadable = result.unreadable + unavailable.length;
  lines.push(problems === 0 ? "No problem found" : `${problems} problems found`);
  if (unreadable > 0) lines.push(`${unreadable} parts could not be checked`);
  if (affectedBuckets.length > 0) {
    const more = affectedBuckets.length - maxNamedBuckets;
    const names = affectedBuckets.slice(0, maxNamedBuckets).join(", ");
    lines.push(`Affected buckets: ${names}${more > 0 ? ` and ${more} more` : ""}`);
  }
  if (damage.length > 0) {
    lines.push(
      "control.db: the server may not start; stop it and restore control.db from a backup, objects stay as they are",
    );
  }
  if (missing + corrupt > 0) {
    lines.push(
      "Missing and corrupt: reading what is named fails, never gives wrong bytes; everything else is served. Restore it from a backup, or upload or delete these objects; a damaged catalog is restored as a whole. What was replaced or deleted since nobody asks for: it goes with the history (`history.window`)",
    );
  }
  if (corrupt > 0)
    lines.push("Bytes that changed on the disk often come with a failing disk: look at its state and logs");
  if (drift > 0)
    lines.push("Drift: a counter is wrong, no object is affected; please report it, it is a fault of the server");
  if (unreadable > 0) {
    lines.push(
      "Unreadable: this says nothing about what is stored. Run the check as the user that owns the data folder, with its root key",
    );
  }
  if (orphaned > 0) lines.push("Orphaned: files that nothing names; they take room and do no harm");
  return lines.join("\n");
}
