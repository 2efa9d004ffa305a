import type { Clock } from "#kernel/base/clock.ts";
import type { FinishedRequest } from "./observe-requests.ts";

/** Lines wait for others at most this long, ms. */
const gatherMs = 100;
/** Lines of one message, and lines that may wait; what comes on top is dropped and counted. */
const maxLinesPerMessage = 1_000;
/** See `maxLinesPerMessage`. */
export const maxWaitingLines = 10_000;
/** Messages that the control thread has not written yet. */
export const maxUnwrittenMessages = 4;
/** Other names are no names of buckets: they could be anything, and are not logged. */
const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** What the access log needs. */
export interface AccessLogOptions {
  readonly isEnabled: () => boolean;
  readonly clock: Clock;
  /** Name of the machine. */
  readonly node?: string | undefined;
  /** Sends lines, each with its line feed, on their way to be written; `written` is called once for each message. */
  readonly send: (lines: string) => void;
  readonly onDropped: () => void;
  /** Calls back once after so many ms. */
  readonly after: (ms: number, call: () => void) => void;
}

/**
 * One line of JSON per request. A request never waits for it: lines are gathered and sent in batches, and dropped when whoever
 * writes them is too slow. No key, query, header or signature is in them.
 */
export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #lines: string[] = [];
  #unwrittenCount = 0;
  #isScheduled = false;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** Takes a finished request. */
  readonly take = (finished: FinishedRequest, durationMs: number, traceId?: string): void => {
    const { isEnabled, clock, node, onDropped, after } = this.#options;
    if (!isEnabled()) return;
    if (this.#lines.length >= maxWaitingLines) {
      onDropped();
      return;
    }
    this.#lines.push(renderLine(finished, { durationMs, traceId, nowMs: clock.nowMs(), node }));
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    after(gatherMs, () => {
      this.#isScheduled = false;
      this.flush();
    });
  };

  /** The control thread has written one message. */
  written(): void {
    this.#unwrittenCount -= 1;
    this.flush();
  }

  /** Sends what waits, as far as it may. */
  flush(): void {
    while (this.#lines.length > 0 && this.#unwrittenCount < maxUnwrittenMessages) {
      const lines = this.#lines.splice(0, maxLinesPerMessage);
      this.#unwrittenCount += 1;
      this.#options.send(lines.join(""));
    }
  }
}

interface LineContext {
  readonly durationMs: number;
  readonly traceId: string | undefined;
  readonly nowMs: number;
  readonly node: string | undefined;
}

function renderLine(
  { id, operation, status, errorCode, bytesIn, bytesOut, message, bucket, bucketId, authentication }: FinishedRequest,
  { durationMs, traceId, nowMs, node }: LineContext,
): string {
  const line = {
    time: new Date(nowMs).toISOString(),
    level: "info",
    message: "Request",
    requestId: id,
    operation: operation?.name ?? "_other",
    bucket: bucket !== undefined && bucketName.test(bucket) ? bucket : undefined,
    bucketId,
    status,
    errorCode,
    bytesIn,
    bytesOut,
    ms: Math.round(durationMs * 1000) / 1000,
    accessKeyId: authentication?.kind === "signed" ? authentication.accessKeyId : undefined,
    remote: message.socket.remoteAddress,
    traceId,
    node,
  };
  return `${JSON.stringify(line)}\n`;
}
