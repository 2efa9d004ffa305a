/** A span as a receiver reads it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the body of a request to `/v1/traces` as strictly as receivers do.
 * @throws Error when it is no `ExportTraceServiceRequest`. Source: opentelemetry-proto 1.5, collector/trace/v1; OTLP 1.5, JSON Protobuf encoding.
 */
export function parseOtlp(body: string): ReceivedSpan[] {
  return listOf(fieldsOf(JSON.parse(body), ["resourceSpans"]), "resourceSpans").flatMap((each) => {
    const { resource, ...rest } = fieldsOf(each, ["resource", "scopeSpans"]);
    readAttributes(fieldsOf(resource, ["attributes"]));
    return listOf(rest, "scopeSpans").flatMap((scoped) => {
      const fields = fieldsOf(scoped, ["scope", "spans"]);
      textOf(fieldsOf(fields["scope"], ["name", "version"]), "name", /^\S+$/);
      return listOf(fields, "spans").map(readSpan);
    });
  });
}

function readSpan(json: unknown): ReceivedSpan {
  const names = ["traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"];
  const fields = fieldsOf(json, [...names, "attributes", "status"]);
  const { kind } = fields;
  if (kind !== 1 && kind !== 2 && kind !== 3) throw new Error("No kind");
  const { code } = fieldsOf(fields["status"], ["code"]);
  if (code !== 0 && code !== 2) throw new Error("No status");
  const span = {
    traceId: textOf(fields, "traceId", /^[0-9a-f]{32}$/),
    spanId: textOf(fields, "spanId", /^[0-9a-f]{16}$/),
    parentSpanId: "parentSpanId" in fields ? textOf(fields, "parentSpanId", /^[0-9a-f]{16}$/) : undefined,
    name: textOf(fields, "name", /./),
    kind,
    startNs: BigInt(textOf(fields, "startTimeUnixNano", /^\d{19}$/)),
    endNs: BigInt(textOf(fields, "endTimeUnixNano", /^\d{19}$/)),
    isError: code === 2,
    attributes: readAttributes(fields),
  };
  if (span.endNs < span.startNs) throw new Error("It ends before it begins");
  return span;
}

function readAttributes(fields: Fields): Fields {
  const entries = listOf(fields, "attributes").map((each) => {
    const pair = fieldsOf(each, ["key", "value"]);
    return [textOf(pair, "key", /^[a-z][a-z0-9._]+$/), readValue(pair["value"])] as const;
  });
  return Object.fromEntries(entries);
}

function readValue(json: unknown): unknown {
  const fields = fieldsOf(json, ["stringValue", "intValue", "boolValue", "doubleValue"]);
  const [[name, value] = ["", undefined], ...others] = Object.entries(fields);
  if (others.length > 0) throw new Error("Two values");
  if (name === "intValue") return Number(textOf(fields, name, /^-?\d+$/));
  const types: Readonly<Record<string, string>> = {
    stringValue: "string",
    boolValue: "boolean",
    doubleValue: "number",
  };
  if (typeof value !== types[name]) throw new Error("No value");
  return value;
}

function fieldsOf(json: unknown, known: readonly string[]): Fields {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new Error("No object");
  for (const name of Object.keys(json)) if (!known.includes(name)) throw new Error(`Unknown field ${name}`);
  return { ...json };
}

function listOf(fields: Fields, name: string): unknown[] {
  const list = fields[name];
  if (!Array.isArray(list)) throw new Error(`${name} is no list`);
  return list;
}

function textOf(fields: Fields, name: string, shape: RegExp): string {
  const text = fields[name];
  if (typeof text !== "string" || !shape.test(text)) throw new Error(`${name} is wrong: ${String(text)}`);
  return text;
}
