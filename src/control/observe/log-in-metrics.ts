import type { Registry } from "prom-client";
import { controlSeries, seriesPrefix } from "#kernel/metrics/series.ts";
import type { LogInCounts } from "../http/log-in-guard.ts";

/** Adds the series of log-ins at the console port to `registry`; `read` is asked at each scrape. */
export async function registerLogInMetrics(registry: Registry, read: () => LogInCounts): Promise<void> {
  const { Counter } = await import("prom-client");
  const { authAttempts, authFailures } = controlSeries;
  const method = "basic";
  const registers = [registry];
  new Counter({
    ...{ name: seriesPrefix + authAttempts.name, help: authAttempts.help, labelNames: authAttempts.labels, registers },
    collect() {
      const { succeeded, refused, delayed } = read();
      this.reset();
      this.inc({ method, status: "success" }, succeeded);
      this.inc({ method, status: "failure" }, refused + delayed);
    },
  });
  new Counter({
    ...{ name: seriesPrefix + authFailures.name, help: authFailures.help, labelNames: authFailures.labels, registers },
    collect() {
      const { refused, delayed } = read();
      this.reset();
      this.inc({ method, reason: "credentials" }, refused);
      this.inc({ method, reason: "delayed" }, delayed);
    },
  });
}
