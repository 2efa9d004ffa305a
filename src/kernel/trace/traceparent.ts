import type { SpanContext } from "./span.ts";

/** A trace that begins elsewhere. */
export interface RemoteParent extends SpanContext {
  /** Whoever began it wants to see it. */
  readonly isSampled: boolean;
}

/** Version, trace id, parent id, flags; versions to come may go on after a dash. */
const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const maxLength = 256;

/** Reads the header `traceparent`; undefined when it is none. Source: W3C Trace Context, section 3.2. */
export function parseTraceparent(text: string): RemoteParent | undefined {
  if (text.length > maxLength) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", rest] = shape.exec(text) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The header for whoever does a part of a traced piece of work. */
export function renderTraceparent({ traceId, spanId }: SpanContext): string {
  return `00-${traceId}-${spanId}-01`;
}
