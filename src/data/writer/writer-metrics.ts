import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { CommitObserver } from "./group-commit.ts";

/** Records commits in the writer's slot of the shared metrics. */
export function openWriterMetrics(slot: SharedArrayBuffer): CommitObserver {
  const recorder = new SlotRecorder(slot, slotLayout);
  return ({ mutationCount, durationMs, ok }) => {
    recorder.recordCommitBatch(mutationCount);
    recorder.recordStorage("commit", durationMs * 1000, ok);
  };
}
