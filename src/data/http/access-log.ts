import type { Clock } from "#kernel/base/clock.ts";
import { clientAddress } from "../request/s3-request.ts";
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
  /** `server.trusted_proxies`: whom they name is the client. */
  readonly trustedProxies: () => readonly string[];
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
    const { isEnabled, trustedProxies, clock, node, onDropped, after } = this.#options;
    if (!isEnabled()) return;
    if (this.#lines.length >= maxWaitingLines) {
      onDropped();
      return;
    }
    const remote = clientAddress(finished.message, trustedProxies());
    this.#lines.push(renderLine(finished, { durationMs, traceId, nowMs: clock.nowMs(), node, remote }));
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
  /** Address of the client; empty when the system does not know it any more. */
  readonly remote: string;
}

/** JSON by hand, since at tens of thousands of lines a second `JSON.stringify` costs as much as all the rest of the log. */
function renderLine(
  { id, operation, status, errorCode, bytesIn, bytesOut, bucket, bucketId, authentication }: FinishedRequest,
  { durationMs, traceId, nowMs, node, remote }: LineContext,
): string {
  const accessKeyId = authentication?.kind === "signed" ? authentication.accessKeyId : undefined;
  // A bucket that exists has a name that is one.
  const isBucket = bucket !== undefined && (bucketId !== undefined || bucketName.test(bucket));
  return (
    `{"time":"${renderTime(nowMs)}","level":"info","message":"Request","requestId":"${id}",` +
    `"operation":"${operation?.name ?? "_other"}"${isBucket ? `,"bucket":"${bucket}"` : ""}` +
    `${renderWord("bucketId", bucketId)},"status":${status}${renderWord("errorCode", errorCode)}` +
    `,"bytesIn":${bytesIn},"bytesOut":${bytesOut},"ms":${Math.round(durationMs * 1000) / 1000}` +
    `${accessKeyId === undefined ? "" : renderKeyId(accessKeyId)}${renderWord("remote", remote || undefined)}` +
    `${renderWord("traceId", traceId)}${node === undefined ? "" : `,"node":${JSON.stringify(node)}`}}\n`
  );
}

/** A text of ours, or of the system's, that needs no escapes. */
function renderWord(name: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${name}":"${value}"`;
}

let lastKeyId = "";
let lastKeyText = "";

/** Requests come in runs of one key, whose id its owner may have chosen. */
function renderKeyId(accessKeyId: string): string {
  if (accessKeyId !== lastKeyId) {
    lastKeyId = accessKeyId;
    lastKeyText = `,"accessKeyId":${JSON.stringify(accessKeyId)}`;
  }
  return lastKeyText;
}

let lastMs = Number.NaN;
let lastTime = "";

/** RFC 3339 with milliseconds. */
function renderTime(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastTime = new Date(nowMs).toISOString();
  }
  return lastTime;
}
