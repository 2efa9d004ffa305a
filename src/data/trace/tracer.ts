import type { IncomingMessage } from "node:http";
import type { DataSettings } from "#kernel/protocol/snapshot.ts";
import type { Span } from "#kernel/trace/span.ts";
import type { OpenSpan, SpanMaker } from "#kernel/trace/span-maker.ts";

/** What tracing requests needs. */
export interface TracerOptions {
  /** Asked for each request. */
  readonly settings: () => Pick<DataSettings, "tracing.enabled" | "tracing.sample_percent">;
  readonly maker: SpanMaker;
  readonly take: (span: Span) => void;
}

/** Begins the part of a request that another thread does; undefined when the request is not traced. */
export type BeginPart = (requestId: string, name: string) => TracedPart | undefined;

/** A part of a traced request that another thread does. */
export interface TracedPart extends Pick<OpenSpan, "traceId" | "spanId"> {
  end(isError: boolean): void;
}

/** What is told of a traced request when it ends. */
export interface TracedEnd {
  readonly name: string;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** Traced requests under way; the oldest is forgotten when there are more. */
export const maxActiveTraces = 10_000;

/** The traces of a worker's requests. While tracing is off a request costs one look at a setting and looks into an empty map. */
export class Tracer {
  readonly #options: TracerOptions;
  /** By request id. */
  readonly #active = new Map<string, OpenSpan>();

  constructor(options: TracerOptions) {
    this.#options = options;
  }

  /** Whether requests are traced right now. */
  get isBusy(): boolean {
    return this.#active.size > 0;
  }

  /** A request begins. */
  begin(requestId: string, message: Pick<IncomingMessage, "headers">): void {
    const { settings, maker } = this.#options;
    const { "tracing.enabled": isEnabled, "tracing.sample_percent": samplePercent } = settings();
    if (!isEnabled) return;
    const { traceparent: given } = message.headers;
    const traceparent = typeof given === "string" ? given : undefined;
    const choice = maker.choose(traceparent, samplePercent);
    if (choice === undefined) return;
    if (this.#active.size >= maxActiveTraces) this.#forgetOldest();
    this.#active.set(requestId, maker.begin({ name: "", kind: "server" }, choice));
  }

  /** Begins the part of a request that another thread does. */
  readonly beginPart: BeginPart = (requestId, name) => {
    if (this.#active.size === 0) return undefined;
    const parent = this.#active.get(requestId);
    if (parent === undefined) return undefined;
    const span = this.#options.maker.begin({ name, kind: "client" }, parent);
    return { traceId: span.traceId, spanId: span.spanId, end: (isError) => this.#options.take(span.end({ isError })) };
  };

  /** A request ended. @param describe asked when it was traced. @returns its trace's id */
  end(requestId: string, describe: () => TracedEnd): string | undefined {
    const span = this.#active.get(requestId);
    if (span === undefined) return undefined;
    this.#active.delete(requestId);
    const { name, isError, attributes } = describe();
    const known = Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
    this.#options.take({ ...span.end({ isError, attributes: Object.fromEntries(known) }), name });
    return span.traceId;
  }

  #forgetOldest(): void {
    for (const requestId of this.#active.keys()) {
      this.#active.delete(requestId);
      return;
    }
  }
}
