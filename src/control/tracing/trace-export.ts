import type { Settings } from "#kernel/settings/settings.ts";
import type { Span, TakeSpans } from "#kernel/trace/span.ts";
import { type OpenSpan, SpanMaker, type SpanMakerOptions, type SpanName } from "#kernel/trace/span-maker.ts";
import { parseTraceparent } from "#kernel/trace/traceparent.ts";
import type { LogFields, LogLevel } from "../observe/log.ts";
import type { FindAddresses } from "../outbound/resolve-target.ts";
import { PostTransport } from "../shipping/post-transport.ts";
import { type Backoff, type Route, Shipper } from "../shipping/shipper.ts";
import { frameSpans, renderSpan, type TraceSource } from "./render-span.ts";

/** What exporting traces needs. */
export interface TraceExportOptions extends Omit<SpanMakerOptions, "threadName">, TraceSource {
  /** Writes a line about the receiver into the log. */
  readonly report: (level: LogLevel, message: string, fields: LogFields) => void;
  readonly backoff?: Backoff;
  readonly find?: FindAddresses;
}

/** The settings that traces obey. */
export type TracingSettings = Pick<Settings, Extract<keyof Settings, `tracing.${string}`> | "outbound.allowed_ranges">;

/** Spans that wait at most. */
export const maxWaitingSpans = 20_000;
const waiting = { maxItems: maxWaitingSpans, maxLength: 16 * 2 ** 20 };
const batch = { maxItems: 512, maxLength: 2 ** 20, gatherMs: 1_000 };
const timeoutMs = 10_000;
/** What waits at a stop is sent for so long, ms. */
const closePatienceMs = 2_000;

/** Sends the spans of all threads to a receiver of OTLP over HTTP, and makes those of the control thread. */
export class TraceExport {
  readonly #options: TraceExportOptions;
  readonly #shipper: Shipper;
  readonly #maker: SpanMaker;
  #samplePercent = 0;
  #inForce = "";

  constructor(options: TraceExportOptions) {
    const { backoff, report } = options;
    this.#options = options;
    this.#maker = new SpanMaker({ ...options, threadName: "control" });
    this.#shipper = new Shipper({
      waiting,
      ...(backoff && { backoff }),
      onChange: (isTaking, reason) => {
        if (isTaking) report("info", "The receiver of traces takes spans again", {});
        else report("warn", "The receiver of traces does not take spans", { reason });
      },
    });
  }

  /** Spans that did not arrive. */
  get dropCount(): number {
    return this.#shipper.dropCount;
  }

  /** Sends spans from now on as these settings say. */
  configure(settings: TracingSettings): void {
    this.#samplePercent = settings["tracing.sample_percent"];
    const { "tracing.enabled": isEnabled, "tracing.otlp_url": url, "tracing.auth_token": token } = settings;
    const allowedRanges = settings["outbound.allowed_ranges"];
    const wanted = JSON.stringify([isEnabled, url, token, allowedRanges]);
    if (this.#inForce === wanted) return;
    this.#inForce = wanted;
    this.#shipper.direct(isEnabled && url !== "" ? this.#route(settings) : undefined);
  }

  /** Takes spans of other threads. */
  readonly take: TakeSpans = (spans, droppedCount) => {
    this.#shipper.takeLost(droppedCount);
    if (this.#shipper.isActive) for (const span of spans) this.#shipper.take(renderSpan(span));
  };

  /** A request to the console port begins; undefined when it is not traced. @param traceparent its header */
  beginRequest(name: string, traceparent: string | undefined): OpenSpan | undefined {
    if (!this.#shipper.isActive) return undefined;
    const choice = this.#maker.choose(traceparent, this.#samplePercent);
    return choice && this.#maker.begin({ name, kind: "server" }, choice);
  }

  /** A part of a request that a worker traces begins; undefined when it does not. @param traceparent the worker's */
  beginPart(name: SpanName, traceparent: string | undefined): OpenSpan | undefined {
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    return parent && this.#maker.begin(name, parent);
  }

  /** Takes a span of this thread. */
  finish(span: Span): void {
    this.take([span], 0);
  }

  /** Sends what waits, for a moment; takes nothing more. */
  close(): Promise<void> {
    return this.#shipper.close(closePatienceMs);
  }

  #route(settings: TracingSettings): Route {
    const transport = new PostTransport({
      url: new URL(`${settings["tracing.otlp_url"]}/v1/traces`),
      bearerToken: settings["tracing.auth_token"],
      timeoutMs,
      frame: frameSpans(this.#options),
      allowedRanges: settings["outbound.allowed_ranges"],
      find: this.#options.find,
    });
    return { transport, batch };
  }
}
