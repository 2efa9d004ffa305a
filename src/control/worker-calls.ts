import type { CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import type { ControlCall, WorkerCall } from "#kernel/protocol/to-control.ts";
import type { ControlResult } from "#kernel/protocol/to-data.ts";
import { errorCodes, type S3ErrorCode } from "#kernel/s3/error-code.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { StoredKeyUses } from "./access-keys/stored-key-uses.ts";
import type { AuditTrail } from "./audit/audit-trail.ts";
import type { DataEventFiles } from "./audit/data-event-files.ts";
import { recordWorkerDenials } from "./audit/worker-denials.ts";
import type { Buckets } from "./buckets/buckets.ts";
import { DatabaseUnavailableError, isLocked } from "./database/database-unavailable-error.ts";
import type { WorkerQuestions } from "./diagnostics/worker-questions.ts";
import type { Log } from "./observe/log.ts";
import type { SnapshotPublisher } from "./snapshot/publisher.ts";
import type { WorkerChannel } from "./snapshot/worker-channel.ts";
import type { Sts } from "./sts/sts.ts";
import type { TraceExport } from "./tracing/trace-export.ts";

/** What answering workers needs. */
export interface WorkerCallsOptions {
  readonly buckets: Buckets;
  readonly sts: Sts;
  readonly publisher: SnapshotPublisher;
  readonly problems: CatalogProblemSink;
  readonly keyUses: Pick<StoredKeyUses, "note">;
  readonly questions: Pick<WorkerQuestions, "take">;
  readonly audit: Pick<AuditTrail, "recordDenial">;
  readonly dataEvents: Pick<DataEventFiles, "append">;
  readonly log: Log;
  /** Absent: nothing is traced. */
  readonly traces?: TraceExport | undefined;
}

/** What workers say to the control thread; a worker's start and end are the pool's business. */
export class WorkerCalls {
  readonly #options: WorkerCallsOptions;

  constructor(options: WorkerCallsOptions) {
    this.#options = options;
  }

  /** Acts on one message; the answer to a call goes back through the channel. Never rejects. */
  async receive(channel: WorkerChannel, message: WorkerCall): Promise<void> {
    const { publisher } = this.#options;
    switch (message.kind) {
      case "applied":
        publisher.acknowledge(channel, message.number);
        break;
      case "resync":
        publisher.resync(channel);
        break;
      case "catalogProblem":
        this.#options.problems.report(message.problem);
        break;
      case "objectSettled":
        this.#options.problems.settle(message.bucketId, message.object);
        break;
      case "keyUses":
        this.#options.keyUses.note(message.uses);
        break;
      case "kept":
        this.#options.questions.take(channel, message.id, message.found);
        break;
      case "denials":
        recordWorkerDenials(this.#options, message);
        channel.send({ kind: "denialsTaken" });
        break;
      case "dataEvents":
        channel.send({
          kind: "dataEventsWritten",
          isWritten: await this.#options.dataEvents.append(message.events, message.droppedCount),
        });
        break;
      case "call":
        channel.send({ kind: "answer", id: message.id, result: await this.#answerTraced(message.call, message.trace) });
        break;
    }
  }

  /** Does what a worker asks for. The value of createBucket is the `BucketEntry`. Never rejects. */
  async answer(call: ControlCall): Promise<ControlResult> {
    try {
      return { ok: true, value: await this.#act(call) };
    } catch (error) {
      if (error instanceof S3Error) return { ok: false, code: error.code, message: error.message };
      const code = findCode(error);
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      // What readiness tells of when it begins is not told again for each call.
      const level = code === "ServiceUnavailable" || code === "SlowDown" ? "debug" : "error";
      this.#options.log.write(level, "A worker's call failed", {
        ...(call.origin && { requestId: call.origin.requestId }),
        ...{ call: call.kind, error: reason },
      });
      return { ok: false, code };
    }
  }

  async #answerTraced(call: ControlCall, trace: string | undefined): Promise<ControlResult> {
    const { traces } = this.#options;
    const span = traces?.beginPart({ name: call.kind, kind: "server" }, trace);
    const result = await this.answer(call);
    if (span) traces?.finish(span.end({ isError: !result.ok && errorCodes[result.code][0] >= 500 }));
    return result;
  }

  async #act(call: ControlCall): Promise<unknown> {
    switch (call.kind) {
      case "createBucket":
        return this.#options.buckets.createBucket(call);
      case "deleteBucket":
        await this.#options.buckets.deleteBucket(call.bucketId, call.origin);
        return null;
      case "issueSession":
        return this.#options.sts.issue(call);
    }
  }
}

function findCode(error: unknown): S3ErrorCode {
  if (error instanceof DatabaseUnavailableError) return "ServiceUnavailable";
  if (isLocked(error)) return "SlowDown";
  return isNoRoom(error) ? "InsufficientStorage" : "InternalError";
}

/** The disk of control.db is full. */
function isNoRoom(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(String(error.code));
}
