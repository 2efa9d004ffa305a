import { Elysia } from "elysia";
import type { Registry } from "prom-client";
import { textsAreEqual } from "#kernel/base/texts-are-equal.ts";
import type { Settings } from "#kernel/settings/settings.ts";
import { ControlError } from "../http/control-error.ts";

const refusal =
  "Metrics are for addresses of metrics.allow_from that ask for an IP address or a local name, not through a proxy; all others " +
  "send metrics.token or authenticate as administrator";

/** Adds the process's series to a registry; called once, at the first scrape. */
export type RegisterMetrics = (registry: Registry) => void | Promise<void>;

/** The settings that the route obeys. */
type MetricsSettings = Pick<Settings, "metrics.enabled" | "metrics.token" | "metrics.allow_from">;

/** Who may scrape, and what. */
export interface MetricsRoutesOptions {
  readonly registerMetrics: RegisterMetrics;
  /** Asked at each scrape. */
  readonly settings: () => MetricsSettings;
  /** The request is from one of the networks, by its address and by the name that it asks for. */
  readonly isLocal: (request: Request, networks: readonly string[]) => boolean;
  /** @throws ControlError when the request carries no administrator's credentials. */
  readonly authenticate: (request: Request) => unknown;
}

/**
 * `/metrics` in the text format of Prometheus, for local requests, for the bearer of `metrics.token` and for administrators.
 * prom-client is loaded at the first scrape: it costs 17 MiB of resident memory (6 MiB without its default metrics).
 */
export function metricsRoutes(options: MetricsRoutesOptions) {
  let registry: Promise<Registry> | undefined;
  return new Elysia().get("/metrics", async ({ request }) => {
    admit(request, options);
    registry ??= openRegistry(options.registerMetrics).catch((error: unknown) => {
      registry = undefined;
      throw error;
    });
    const text = await (await registry).metrics();
    const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" };
    return new Response(text, { headers });
  });
}

/** @throws ControlError NotFound while metrics are off, Forbidden or Unauthorized for who may not scrape */
function admit(request: Request, { settings, isLocal, authenticate }: MetricsRoutesOptions): void {
  const found = settings();
  if (!found["metrics.enabled"]) throw new ControlError("NotFound");
  const authorization = request.headers.get("authorization");
  if (authorization === null) {
    if (!isLocal(request, found["metrics.allow_from"])) throw new ControlError("Forbidden", refusal);
  } else if (!isBearer(authorization, found["metrics.token"])) authenticate(request);
}

/** The time it takes tells nothing of the token. */
function isBearer(authorization: string, token: string): boolean {
  const [, given] = /^bearer +([!-~]+) *$/i.exec(authorization) ?? [];
  return given !== undefined && token !== "" && textsAreEqual(given, token);
}

async function openRegistry(registerMetrics: RegisterMetrics): Promise<Registry> {
  const { Registry } = await import("prom-client");
  const registry = new Registry();
  await registerMetrics(registry);
  return registry;
}
