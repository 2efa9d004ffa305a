import type { Registry } from "prom-client";
import { controlSeries, seriesPrefix } from "#kernel/metrics/series.ts";
import type { LogInCounts } from "../http/log-in-counts.ts";

/** Ways to log in at the console port: a key with each call, or a session's first and second step. */
export type LogInMethod = "basic" | "password";

/** Adds the series of log-ins at the console port to `registry`; `read` is asked at each scrape. */
export async function registerLogInMetrics(
  registry: Registry,
  read: () => Readonly<Record<LogInMethod, LogInCounts>>,
): Promise<void> {
  const { Counter } = await import("prom-client");
  const { authAttempts, authFailures } = controlSeries;
  const registers = [registry];
  new Counter({
    ...{ name: seriesPrefix + authAttempts.name, help: authAttempts.help, labelNames: authAttempts.labels, registers },
    collect() {
      this.reset();
      for (const [method, { succeeded, refused, delayed }] of Object.entries(read())) {
        this.inc({ method, status: "success" }, succeeded);
        this.inc({ method, status: "failure" }, refused + delayed);
      }
    },
  });
  new Counter({
    ...{ name: seriesPrefix + authFailures.name, help: authFailures.help, labelNames: authFailures.labels, registers },
    collect() {
      this.reset();
      for (const [method, { refused, delayed }] of Object.entries(read())) {
        this.inc({ method, reason: "credentials" }, refused);
        this.inc({ method, reason: "delayed" }, delayed);
      }
    },
  });
}
