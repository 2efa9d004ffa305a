import type { Settings } from "#kernel/settings/settings.ts";
import type { LogDrops, LogFields, LogLevel, LogTap } from "../observe/log.ts";
import type { FindAddresses } from "../outbound/resolve-target.ts";
import { PostTransport } from "./post-transport.ts";
import { renderSyslog } from "./render-syslog.ts";
import { type Backoff, type Route, Shipper } from "./shipper.ts";
import { openSyslogTransport } from "./syslog-transport.ts";

/** What sending log lines away needs. */
export interface LogShippingOptions {
  /** Name of the machine. */
  readonly hostName: string;
  readonly pid: number;
  /** Writes a line about a receiver into the log. */
  readonly report: (level: LogLevel, message: string, fields: LogFields) => void;
  readonly backoff?: Backoff;
  readonly find?: FindAddresses;
}

/** The settings that say where lines go. */
export type ShippingSettings = Pick<
  Settings,
  Extract<keyof Settings, `logging.syslog_${string}` | `logging.http_${string}`> | "outbound.allowed_ranges"
>;

/** Lines of one receiver that wait at most. */
export const maxWaitingLines = 20_000;
const waiting = { maxItems: maxWaitingLines, maxLength: 16 * 2 ** 20 };
/** Of one batch; a single longer line goes alone. */
const maxBatchLength = 2 ** 20;
const syslogBatch = { maxItems: 500, maxLength: maxBatchLength, gatherMs: 50 };
const timeoutMs = 10_000;
/** What waits at a stop is sent for so long, ms. */
const closePatienceMs = 2_000;

/** Sends the lines of the log to a syslog receiver and to a web address, as the settings say. Nobody who logs waits for it. */
export class LogShipping implements LogTap {
  readonly #options: LogShippingOptions;
  readonly #syslog: Shipper;
  readonly #http: Shipper;
  #tag = "";
  /** The settings of each route in force, as JSON: others do not disturb it. */
  readonly #inForce = new Map<Shipper, string>();

  constructor(options: LogShippingOptions) {
    this.#options = options;
    this.#syslog = this.#open("syslog");
    this.#http = this.#open("http");
  }

  /** Whether anybody wants lines. */
  get isActive(): boolean {
    return this.#syslog.isActive || this.#http.isActive;
  }

  /** Lines that did not arrive, by receiver. */
  get drops(): readonly LogDrops[] {
    return [
      { sink: "syslog", count: this.#syslog.dropCount },
      { sink: "http", count: this.#http.dropCount },
    ];
  }

  /** Takes one line of JSON without its line feed. */
  take(level: LogLevel, line: string): void {
    if (this.#syslog.isActive) {
      const { hostName, pid } = this.#options;
      this.#syslog.take(renderSyslog({ hostName, pid, tag: this.#tag }, level, line));
    }
    this.#http.take(line);
  }

  /** Sends lines from now on as these settings say. */
  configure(settings: ShippingSettings): void {
    this.#tag = settings["logging.syslog_tag"];
    this.#direct(this.#syslog, settings, () => this.#syslogRoute(settings));
    this.#direct(this.#http, settings, () => this.#httpRoute(settings));
  }

  /** Sends what waits, for a moment; takes nothing more. */
  async close(): Promise<void> {
    await Promise.all([this.#syslog.close(closePatienceMs), this.#http.close(closePatienceMs)]);
  }

  #open(target: string): Shipper {
    const { backoff, report } = this.#options;
    return new Shipper({
      waiting,
      ...(backoff && { backoff }),
      onChange: (isTaking, reason) => {
        if (isTaking) report("info", "A log target takes lines again", { target });
        else report("warn", "A log target does not take lines", { target, reason });
      },
    });
  }

  /** A change of other settings does not end a connection. */
  #direct(shipper: Shipper, settings: ShippingSettings, makeRoute: () => Route | undefined): void {
    const prefix = shipper === this.#syslog ? "logging.syslog_" : "logging.http_";
    const relevant = Object.entries(settings).filter(
      ([name]) => name.startsWith(prefix) || name === "outbound.allowed_ranges",
    );
    const wanted = JSON.stringify(relevant);
    if (this.#inForce.get(shipper) === wanted) return;
    this.#inForce.set(shipper, wanted);
    shipper.direct(makeRoute());
  }

  #syslogRoute(settings: ShippingSettings): Route | undefined {
    const host = settings["logging.syslog_host"];
    if (!settings["logging.syslog_enabled"] || host === "") return undefined;
    const transport = openSyslogTransport({
      protocol: settings["logging.syslog_protocol"],
      host,
      port: settings["logging.syslog_port"],
      timeoutMs,
      ...this.#resolution(settings),
    });
    return { transport, batch: syslogBatch };
  }

  #httpRoute(settings: ShippingSettings): Route | undefined {
    const url = settings["logging.http_url"];
    if (!settings["logging.http_enabled"] || url === "") return undefined;
    const transport = new PostTransport({
      url: new URL(url),
      bearerToken: settings["logging.http_auth_token"],
      timeoutMs,
      frame: ["[", "]"],
      ...this.#resolution(settings),
    });
    const maxItems = settings["logging.http_batch_size"];
    const gatherMs = settings["logging.http_flush_interval"] * 1000;
    return { transport, batch: { maxItems, maxLength: maxBatchLength, gatherMs } };
  }

  #resolution(settings: ShippingSettings) {
    return { allowedRanges: settings["outbound.allowed_ranges"], find: this.#options.find };
  }
}
