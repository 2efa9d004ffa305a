import type { Clock } from "#kernel/base/clock.ts";
import { operationIndex, otherOperationIndex } from "#kernel/metrics/operation-index.ts";
import type { SharedLines } from "#kernel/protocol/to-control.ts";
import { clientAddress } from "../request/s3-request.ts";
import { LineBuffer } from "./line-buffer.ts";
import type { FinishedRequest } from "./observe-requests.ts";

/** Lines wait for others at most this long, ms: a message costs both threads more than the lines in it. */
const gatherMs = 400;
/** One of two buffers, bytes: about 13,000 lines. What finds neither free is dropped and counted. */
export const bufferBytes = 4 << 20;
/** No line is longer, bytes: the longest values in it are an access key's id and the machine's name. */
const maxLineBytes = 8 << 10;
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
  readonly send: (lines: SharedLines) => void;
  readonly onDropped: () => void;
  /** Calls back once after so many ms. */
  readonly after: (ms: number, call: () => void) => void;
}

/** What lines of one operation have in common as long as the same client does the same. */
interface LineShape {
  readonly bucket: string | undefined;
  readonly bucketId: string | undefined;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly accessKeyId: string | undefined;
  /** Address of the client; empty when the system does not know it any more. */
  readonly remote: string;
  /** From the request's id to the number of bytes that came in. */
  readonly middle: Uint8Array;
  /** Behind the duration. */
  readonly tail: Uint8Array;
}

/**
 * One line of JSON per request. A request never waits for it: lines are gathered and sent in batches, and dropped when whoever
 * writes them is too slow. No key, query, header or signature is in them. At tens of thousands of lines a second it is not the
 * writing that costs but the garbage, so lines are put together from bytes that are kept, in memory that both threads share.
 */
export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #end: Uint8Array;
  /** By the index of the operation. */
  readonly #shapes: LineShape[] = [];
  /** Where lines go, and where those stand, or stood, that are being written. Undefined until the first line. */
  #buffers: readonly [filling: LineBuffer, other: LineBuffer] | undefined;
  /** Not sent yet: the other side needs it once. */
  #memory: SharedArrayBuffer | undefined;
  #isUnwritten = false;
  #isScheduled = false;
  #head = new Uint8Array(0);
  #headMs = Number.NaN;

  constructor(options: AccessLogOptions) {
    this.#options = options;
    this.#end = encode(`${options.node === undefined ? "" : `,"node":${JSON.stringify(options.node)}`}}\n`);
  }

  /** Takes a finished request. */
  readonly take = (finished: FinishedRequest, durationMs: number, traceId?: string): void => {
    const { isEnabled, onDropped, after } = this.#options;
    if (!isEnabled()) return;
    const buffer = this.#makeRoom();
    if (!buffer) {
      onDropped();
      return;
    }
    const { middle, tail } = this.#findShape(finished);
    buffer.put(this.#findHead());
    buffer.putAscii(finished.id);
    buffer.put(middle);
    buffer.putWhole(finished.bytesIn);
    buffer.put(bytesOutName);
    buffer.putWhole(finished.bytesOut);
    buffer.put(msName);
    buffer.putThousandths(durationMs);
    buffer.put(tail);
    if (traceId !== undefined) buffer.putAscii(renderWord("traceId", traceId));
    buffer.put(this.#end);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    after(gatherMs, () => {
      this.#isScheduled = false;
      this.flush();
    });
  };

  /** The control thread has written one message. */
  written(): void {
    this.#isUnwritten = false;
    this.flush();
  }

  /** Sends what waits, unless the message before is not written yet. */
  flush(): void {
    const [lines, other] = this.#buffers ?? [];
    if (!lines || !other || lines.length === 0 || this.#isUnwritten) return;
    const { start, length } = lines;
    const memory = this.#memory;
    this.#memory = undefined;
    this.#isUnwritten = true;
    other.clear();
    this.#buffers = [other, lines];
    this.#options.send({ start, length, ...(memory && { memory }) });
  }

  /** Sends what is left, whatever is being written: no line comes after. */
  drain(): void {
    this.#isUnwritten = false;
    this.flush();
  }

  /** @returns where one more line fits; undefined when nothing is free */
  #makeRoom(): LineBuffer | undefined {
    if (!this.#buffers) {
      const memory = new SharedArrayBuffer(2 * bufferBytes);
      this.#memory = memory;
      this.#buffers = [
        new LineBuffer(new Uint8Array(memory, 0, bufferBytes)),
        new LineBuffer(new Uint8Array(memory, bufferBytes, bufferBytes)),
      ];
    }
    if (this.#buffers[0].room < maxLineBytes) this.flush();
    const [buffer] = this.#buffers;
    return buffer.room < maxLineBytes ? undefined : buffer;
  }

  /** What a line begins with, up to the request's id. */
  #findHead(): Uint8Array {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs !== this.#headMs) {
      this.#headMs = nowMs;
      const time = new Date(nowMs).toISOString();
      this.#head = encode(`{"time":"${time}","level":"info","message":"Request","requestId":"`);
    }
    return this.#head;
  }

  #findShape(finished: FinishedRequest): LineShape {
    const { operation, bucket, bucketId, status, errorCode, authentication, message } = finished;
    const accessKeyId = authentication?.kind === "signed" ? authentication.accessKeyId : undefined;
    const remote = clientAddress(message, this.#options.trustedProxies());
    const index = operation ? operationIndex(operation.name) : otherOperationIndex;
    const last = this.#shapes[index];
    if (
      last !== undefined &&
      last.bucket === bucket &&
      last.bucketId === bucketId &&
      last.status === status &&
      last.errorCode === errorCode &&
      last.accessKeyId === accessKeyId &&
      last.remote === remote
    )
      return last;
    const shape = renderShape(finished, accessKeyId, remote);
    this.#shapes[index] = shape;
    return shape;
  }
}

const bytesOutName = encode(',"bytesOut":');
const msName = encode(',"ms":');

function renderShape(
  { operation, bucket, bucketId, status, errorCode }: FinishedRequest,
  accessKeyId: string | undefined,
  remote: string,
): LineShape {
  // A bucket that exists has a name that is one.
  const isBucket = bucket !== undefined && (bucketId !== undefined || bucketName.test(bucket));
  const middle =
    `","operation":"${operation?.name ?? "_other"}"${renderWord("bucket", isBucket ? bucket : undefined)}` +
    `${renderWord("bucketId", bucketId)},"status":${status}${renderWord("errorCode", errorCode)},"bytesIn":`;
  // The owner of a key may have chosen its id.
  const key = accessKeyId === undefined ? "" : `,"accessKeyId":${JSON.stringify(accessKeyId)}`;
  const tail = `${key}${renderWord("remote", remote || undefined)}`;
  return { bucket, bucketId, status, errorCode, accessKeyId, remote, middle: encode(middle), tail: encode(tail) };
}

/** A text of ours, or of the system's, that needs no escapes. */
function renderWord(name: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${name}":"${value}"`;
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
