import type { Clock } from "#kernel/base/clock.ts";
import { errorCodeIndex, operationIndex, otherOperationIndex } from "#kernel/metrics/operation-index.ts";
import type { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { S3ErrorCode } from "#kernel/s3/error-code.ts";
import type { OperationSpec } from "#kernel/s3/operation.ts";

/** What is known of a request when its answer was handed to the socket. */
export interface FinishedRequest {
  /** Undefined when it matched none. */
  readonly operation: OperationSpec | undefined;
  readonly status: number;
  readonly errorCode: S3ErrorCode | undefined;
  readonly startedMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Told once per request. */
export type RequestObserver = (finished: FinishedRequest) => void;

/** Counts requests in the worker's slot of shared memory. */
export function observeRequests(recorder: SlotRecorder, clock: Clock): RequestObserver {
  const sample = { durationUs: 0, bytesIn: 0, bytesOut: 0 };
  return ({ operation, status, errorCode, startedMs, bytesIn, bytesOut }) => {
    const index = operation ? operationIndex(operation.name) : otherOperationIndex;
    sample.durationUs = (clock.monotonicMs() - startedMs) * 1000;
    sample.bytesIn = bytesIn;
    sample.bytesOut = bytesOut;
    recorder.recordRequest(index, Math.min(5, Math.max(1, Math.floor(status / 100))), sample);
    if (errorCode !== undefined) recorder.recordError(index, errorCodeIndex(errorCode));
  };
}
