import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Span, SpanAttributes, SpanContext, SpanKind } from "./span.ts";
import { parseTraceparent } from "./traceparent.ts";

/** What spans are made with. */
export interface SpanMakerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Attribute `thread.name` of each span. */
  readonly threadName: string;
}

/** What is known when a piece of work ends. */
export interface SpanEnd {
  /** The server failed; false when absent. */
  readonly isError?: boolean;
  readonly attributes?: SpanAttributes;
}

/** A piece of work that has begun. */
export interface OpenSpan extends SpanContext {
  end(end?: SpanEnd): Span;
}

/** How a piece of work is called. */
export interface SpanName {
  readonly name: string;
  readonly kind: SpanKind;
}

/** The trace that a request belongs to: `spanId` is the caller's, if there is one. */
export interface TraceChoice {
  readonly traceId: string;
  readonly spanId?: string;
}

/** A step back of the machine's clock of more than this is one, ms; less comes from its whole milliseconds. */
const clockSlackMs = 1.5;

/** Makes the spans of one thread. */
export class SpanMaker {
  readonly #options: SpanMakerOptions;
  /** Of the monotonic clock to 1970. Each look at the clocks tells it to a millisecond; the greatest is the nearest. */
  #offsetMs = -Infinity;

  constructor(options: SpanMakerOptions) {
    this.#options = options;
  }

  /**
   * Decides whether a request is traced: as its caller decided, else at random.
   * @param samplePercent 0 to 100
   */
  choose(traceparent: string | undefined, samplePercent: number): TraceChoice | undefined {
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    if (parent !== undefined) return parent.isSampled ? parent : undefined;
    const bytes = this.#options.random.bytes(16);
    // The chance of one in 2^32 that nothing is chosen at 100 % is none: the fraction is below 1.
    const fraction = new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
    return fraction * 100 < samplePercent ? { traceId: toHex(bytes) } : undefined;
  }

  /** Begins a piece of work of a trace. */
  begin({ name, kind }: SpanName, { traceId, spanId: parentSpanId }: TraceChoice): OpenSpan {
    const { clock, random, threadName } = this.#options;
    const spanId = toHex(random.bytes(8));
    const beganMs = clock.monotonicMs();
    return {
      traceId,
      spanId,
      end: ({ isError = false, attributes = {} } = {}) => ({
        ...{ traceId, spanId, ...(parentSpanId !== undefined && { parentSpanId }) },
        ...{ name, kind, startMs: this.toUnixMs(beganMs), durationMs: clock.monotonicMs() - beganMs },
        ...{ isError, attributes: { "thread.name": threadName, ...attributes } },
      }),
    };
  }

  /** The time since 1970, ms with fractions, of a time of the monotonic clock. */
  toUnixMs(monotonicMs: number): number {
    const { clock } = this.#options;
    const seenMs = clock.nowMs() - clock.monotonicMs();
    if (seenMs > this.#offsetMs || seenMs < this.#offsetMs - clockSlackMs) this.#offsetMs = seenMs;
    return monotonicMs + this.#offsetMs;
  }
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
