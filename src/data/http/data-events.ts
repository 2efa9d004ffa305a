import type { DataEvent } from "#kernel/protocol/data-event.ts";
import type { OperationSpec } from "#kernel/s3/operation.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";

/** Events of one message, and events that may wait; what comes on top is dropped and counted. */
const maxEventsPerMessage = 1_000;
/** See `maxEventsPerMessage`. */
export const maxWaitingEvents = 10_000;
/** Events wait for others at most this long, and for the next attempt after one failed, ms. */
const gatherMs = 100;
const retryMs = 1_000;

/** What the events need. */
export interface DataEventsOptions {
  /** Which requests are recorded. */
  readonly mode: () => "none" | "writes" | "all";
  /** What becomes of requests that should be recorded while that fails. */
  readonly onFailure: () => "continue" | "refuse";
  /** Sends events on their way to be written; `written` is called once for each message. @param droppedCount events before them */
  readonly send: (events: readonly DataEvent[], droppedCount: number) => void;
  readonly onDropped: () => void;
  /** Calls back once after so many ms. */
  readonly after: (ms: number, call: () => void) => void;
}

/**
 * Requests for objects on their way to the audit. They are kept here until they are written. No request waits for it; when it fails
 * for long, events are dropped and counted, or requests refused, as the settings say.
 */
export class DataEvents {
  readonly #options: DataEventsOptions;
  #waiting: DataEvent[] = [];
  #underWay: readonly DataEvent[] = [];
  #sentDropped = 0;
  #droppedCount = 0;
  #isScheduled = false;
  #isFailing = false;

  constructor(options: DataEventsOptions) {
    this.#options = options;
  }

  /** Whether requests of an operation are recorded: those for objects, writes alone if so set. */
  wants({ level, name, method }: Pick<OperationSpec, "level" | "name" | "method">): boolean {
    const mode = this.#options.mode();
    if (mode === "none" || !(level === "key" || name === "DeleteObjects" || name === "PostObject")) return false;
    return mode === "all" || !(method === "GET" || method === "HEAD" || name === "SelectObjectContent");
  }

  /** @throws S3Error ServiceUnavailable when the request is to be recorded, cannot be now, and must be */
  admit(spec: Pick<OperationSpec, "level" | "name" | "method">): void {
    const isStuck = this.#isFailing || this.#waiting.length >= maxWaitingEvents;
    if (!isStuck || this.#options.onFailure() === "continue" || !this.wants(spec)) return;
    throw new S3Error("ServiceUnavailable", { message: "The audit cannot record the request now" });
  }

  /** Takes the event of a finished request. */
  take(event: DataEvent): void {
    if (this.#waiting.length >= maxWaitingEvents) {
      this.#droppedCount += 1;
      this.#options.onDropped();
      return;
    }
    this.#waiting.push(event);
    this.#schedule(gatherMs);
  }

  /** One message was written, or not. */
  written(isWritten: boolean): void {
    this.#isFailing = !isWritten;
    if (!isWritten) {
      this.#waiting = [...this.#underWay, ...this.#waiting];
      this.#droppedCount += this.#sentDropped;
    }
    this.#underWay = [];
    if (this.#waiting.length > 0) this.#schedule(isWritten ? gatherMs : retryMs);
  }

  /** Sends what waits, unless a message is under way. */
  flush(): void {
    if (this.#underWay.length > 0 || this.#waiting.length === 0) return;
    this.#underWay = this.#waiting.splice(0, maxEventsPerMessage);
    this.#sentDropped = this.#droppedCount;
    this.#droppedCount = 0;
    this.#options.send(this.#underWay, this.#sentDropped);
  }

  /** Sends all that waits: nobody will be there to send it later. */
  drain(): void {
    if (this.#waiting.length > 0) this.#options.send(this.#waiting.splice(0), this.#droppedCount);
    this.#droppedCount = 0;
  }

  #schedule(ms: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.after(ms, () => {
      this.#isScheduled = false;
      this.flush();
    });
  }
}
