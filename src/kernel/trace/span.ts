/** Names a piece of work of a trace to whoever does a part of it. */
export interface SpanContext {
  /** 32 hex digits in lower case, not all of them zero. */
  readonly traceId: string;
  /** 16 hex digits in lower case, not all of them zero. */
  readonly spanId: string;
}

/** `server`: it was asked for from outside of the thread. `client`: another thread was asked. */
export type SpanKind = "internal" | "server" | "client";

/** What a span tells besides times. Never a secret, never an object key. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A finished piece of work of a traced request. */
export interface Span extends SpanContext {
  /** 16 hex digits; absent: the trace begins here. */
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Milliseconds since 1970-01-01 UTC, with fractions. */
  readonly startMs: number;
  readonly durationMs: number;
  /** The server failed, not whoever asked. */
  readonly isError: boolean;
  readonly attributes: SpanAttributes;
}

/** Takes finished spans and how many were dropped before. */
export type TakeSpans = (spans: readonly Span[], droppedCount: number) => void;
