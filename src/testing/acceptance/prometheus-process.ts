import { findFreePorts } from "../server-process.ts";
import { ScratchFolder } from "./client-tool.ts";

/** What a query of Prometheus found: its labels and its value, which may be NaN. */
export interface FoundSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A rule of `/api/v1/rules`. */
export interface LoadedRule {
  readonly name: string;
  readonly query: string;
  readonly type: "alerting" | "recording";
  readonly health: string;
  readonly lastError?: string;
}

/** An alert of `/api/v1/alerts`. */
export interface LiveAlert {
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** How Prometheus is run: `config` is a text of YAML, `files` the texts beside it by name. */
export interface PrometheusOptions {
  readonly config: string;
  readonly files: Readonly<Record<string, string>>;
}

const startTimeoutMs = 15_000;

/** A real Prometheus on a free port of loopback, with its data in a temporary folder. */
export class PrometheusProcess {
  readonly #folder = new ScratchFolder();
  readonly #child: Bun.Subprocess;
  readonly #port: number;

  constructor(port: number, options: PrometheusOptions) {
    this.#port = port;
    for (const [name, text] of Object.entries(options.files)) this.#folder.write(name, text);
    this.#child = Bun.spawn({
      cmd: [
        "prometheus",
        `--config.file=${this.#folder.write("prometheus.yml", options.config)}`,
        `--storage.tsdb.path=${this.#folder.join("data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      stdin: "ignore",
      stdout: Bun.file(this.#folder.join("log")),
      stderr: Bun.file(this.#folder.join("log")),
    });
    process.on("exit", () => this.#child.kill("SIGKILL"));
  }

  /** Waits until it answers. @throws Error with what it printed when it does not within 15 s. */
  async waitUntilReady(): Promise<void> {
    for (let waitedMs = 0; waitedMs < startTimeoutMs && this.#child.exitCode === null; waitedMs += 100) {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/-/ready`).catch(() => undefined);
      if (answer?.ok === true) return;
      await Bun.sleep(100);
    }
    throw new Error(`Prometheus did not start:\n${this.#folder.read("log").toString("utf8")}`);
  }

  /** Evaluates a query now. @throws Error when Prometheus refuses it. */
  async query(query: string): Promise<readonly FoundSeries[]> {
    const { result } = await this.#ask<{
      readonly result: readonly {
        readonly metric: Record<string, string>;
        readonly value: readonly [number, string];
      }[];
    }>("query", { query });
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** Values of a label, of the series that `selector` names. */
  labelValues(label: string, selector: string): Promise<readonly string[]> {
    return this.#ask(`label/${label}/values`, { "match[]": selector });
  }

  /** All loaded rules. */
  async rules(): Promise<readonly LoadedRule[]> {
    const { groups } = await this.#ask<{ readonly groups: readonly { readonly rules: readonly LoadedRule[] }[] }>(
      "rules",
    );
    return groups.flatMap(({ rules }) => rules);
  }

  /** Pending and firing alerts. */
  async alerts(): Promise<readonly LiveAlert[]> {
    return (await this.#ask<{ readonly alerts: readonly LiveAlert[] }>("alerts")).alerts;
  }

  /** Ends it and removes its folder. */
  async remove(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#folder.remove();
  }

  async #ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const query = new URLSearchParams(parameters).toString();
    const answer = await fetch(`http://127.0.0.1:${this.#port}/api/v1/${path}?${query}`);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Prometheus answered ${answer.status} to ${path} ${query}: ${text}`);
    return JSON.parse(text).data;
  }
}

/** Starts Prometheus and waits until it answers. @throws Error when it does not. */
export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusProcess> {
  const started = new PrometheusProcess((await findFreePorts())[0], options);
  try {
    await started.waitUntilReady();
    return started;
  } catch (error) {
    await started.remove();
    throw error;
  }
}
