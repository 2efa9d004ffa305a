import { slotLayout } from "#kernel/metrics/operation-index.ts";
import type { TaskType } from "#kernel/metrics/slot-layout.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { CommitObserver } from "./group-commit.ts";

/** Told of each run of background work. */
export type TaskObserver = (type: TaskType, durationMs: number, ok: boolean) => void;

/** Records commits and background work in the writer's slot of the shared metrics. */
export function openWriterMetrics(slot: SharedArrayBuffer): { commit: CommitObserver; task: TaskObserver } {
  const recorder = new SlotRecorder(slot, slotLayout);
  return {
    commit: ({ mutationCount, durationMs, ok, storedBytes }) => {
      recorder.recordCommitBatch(mutationCount);
      recorder.recordStorage("commit", durationMs * 1000, ok);
      for (const bytes of storedBytes) recorder.recordObjectSize(bytes);
    },
    task: (type, durationMs, ok) => recorder.recordTask(type, durationMs * 1000, ok),
  };
}
