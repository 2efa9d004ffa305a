import type { Span, SpanKind } from "#kernel/trace/span.ts";

/** Source: opentelemetry-proto, trace/v1/trace.proto, SpanKind. */
const kinds: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
/** Source: the same, StatusCode. */
const [unset, failed] = [0, 2];

/** The process that spans come from. */
export interface TraceSource {
  readonly version: string;
  /** Name of the machine. */
  readonly hostName: string;
}

/**
 * A span as an item of an OTLP document: hexadecimal ids, numbers of 64 bits as text.
 * Source: OpenTelemetry Protocol 1.5, JSON Protobuf encoding.
 */
export function renderSpan(span: Span): string {
  return JSON.stringify({
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: kinds[span.kind],
    startTimeUnixNano: toNanoseconds(span.startMs),
    endTimeUnixNano: toNanoseconds(span.startMs + span.durationMs),
    attributes: Object.entries(span.attributes).map(([key, value]) => ({ key, value: renderValue(value) })),
    status: { code: span.isError ? failed : unset },
  });
}

/** What stands before the first span and behind the last one of an OTLP document. */
export function frameSpans({ version, hostName }: TraceSource): readonly [before: string, after: string] {
  const attributes = Object.entries({ "service.name": "maxiofs", "service.version": version, "host.name": hostName });
  const resource = { attributes: attributes.map(([key, value]) => ({ key, value: renderValue(value) })) };
  const scope = { name: "maxiofs", version };
  const head = `{"resourceSpans":[{"resource":${JSON.stringify(resource)},"scopeSpans":[{"scope":${JSON.stringify(scope)}`;
  return [`${head},"spans":[`, "]}]}]}"];
}

function renderValue(value: string | number | boolean): Readonly<Record<string, unknown>> {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** To the microsecond: more a double of this size does not hold. */
function toNanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}
