import type { IncomingMessage } from "node:http";
import type { Clock } from "#kernel/base/clock.ts";
import { errorCodeIndex, operationIndex, otherOperationIndex } from "#kernel/metrics/operation-index.ts";
import type { AuthMethod } from "#kernel/metrics/slot-layout.ts";
import type { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { S3ErrorCode } from "#kernel/s3/error-code.ts";
import type { OperationSpec } from "#kernel/s3/operation.ts";
import type { Authentication } from "#kernel/sigv4/authentication.ts";
import type { TracedEnd, Tracer } from "../trace/tracer.ts";

/** What is known of a request when its answer was handed to the socket. */
export interface FinishedRequest {
  /** The request's id. */
  readonly id: string;
  readonly message: IncomingMessage;
  /** Name as asked for; undefined when the request names none. */
  readonly bucket: string | undefined;
  /** Undefined when there is no such bucket. */
  readonly bucketId: string | undefined;
  /** Undefined when the request was refused before or because of it. */
  readonly authentication: Authentication | undefined;
  /** Undefined when it matched none. */
  readonly operation: OperationSpec | undefined;
  readonly status: number;
  readonly errorCode: S3ErrorCode | undefined;
  readonly startedMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Row of the bucket in the slot, 0 for `_other`. */
  readonly bucketRow: number;
}

/** Told of requests. */
export interface RequestObserver {
  /** Once per request, first. */
  readonly began: (id: string, message: IncomingMessage) => void;
  /** Once per request. */
  readonly finished: (finished: FinishedRequest) => void;
  /** A signature was right. */
  readonly authenticated: (method: AuthMethod) => void;
  /** A signature or key was refused. */
  readonly refused: (method: AuthMethod, code: S3ErrorCode) => void;
}

/** Takes a line per request. `traceId` of one that is traced. */
export type AccessSink = (finished: FinishedRequest, durationMs: number, traceId?: string) => void;

/** What is told of requests. */
export interface ObserveOptions {
  readonly recorder: SlotRecorder;
  readonly clock: Clock;
  readonly access?: AccessSink;
  readonly tracer?: Tracer;
}

/** Counts requests in the worker's slot of shared memory, then hands them to tracer and access log. */
export function observeRequests({ recorder, clock, access = () => {}, tracer }: ObserveOptions): RequestObserver {
  const sample = { durationUs: 0, bytesIn: 0, bytesOut: 0, bucketRow: 0 };
  return {
    began: (id, message) => tracer?.begin(id, message),
    finished: (request) => {
      const { operation, status, errorCode } = request;
      const index = operation ? operationIndex(operation.name) : otherOperationIndex;
      const durationMs = clock.monotonicMs() - request.startedMs;
      sample.durationUs = durationMs * 1000;
      sample.bytesIn = request.bytesIn;
      sample.bytesOut = request.bytesOut;
      sample.bucketRow = request.bucketRow;
      recorder.recordRequest(index, Math.min(5, Math.max(1, Math.floor(status / 100))), sample);
      if (errorCode !== undefined) recorder.recordError(index, errorCodeIndex(errorCode));
      access(request, durationMs, tracer?.isBusy ? tracer.end(request.id, () => describeTraced(request)) : undefined);
    },
    authenticated: (method) => recorder.recordAuthSuccess(method),
    refused: (method, code) => recorder.recordAuthFailure(method, errorCodeIndex(code)),
  };
}

/** No key, no query, no address: traces go to other systems. Names as in OpenTelemetry's semantic conventions. */
function describeTraced({ id, operation, status, errorCode, message, bucketId }: FinishedRequest): TracedEnd {
  return {
    name: operation?.name ?? "_other",
    isError: status >= 500,
    attributes: {
      "rpc.system": "aws-api",
      "rpc.service": "S3",
      "rpc.method": operation?.name,
      "http.request.method": message.method,
      "http.response.status_code": status,
      "error.type": errorCode,
      "aws.request_id": id,
      "maxiofs.bucket_id": bucketId,
    },
  };
}
