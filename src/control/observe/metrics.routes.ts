import { Elysia } from "elysia";
import type { Registry } from "prom-client";
import { ControlError } from "../http/control-error.ts";
import { isPrivateAddress } from "../http/private-address.ts";
import { getRequestContext } from "../http/request-context.ts";

/** Adds the process's series to a registry; called once, at the first scrape. */
export type RegisterMetrics = (registry: Registry) => void | Promise<void>;

/** Headers of proxies: behind one, the peer's address says nothing about who asks. */
const proxyHeaders = ["forwarded", "x-forwarded-for", "x-real-ip"];

/**
 * `/metrics` in the text format of Prometheus, for loopback and private addresses that no proxy speaks for.
 * prom-client is loaded at the first scrape: it costs 17 MiB of resident memory (6 MiB without its default metrics).
 */
export function metricsRoutes(registerMetrics: RegisterMetrics) {
  let registry: Promise<Registry> | undefined;
  return new Elysia().get("/metrics", async ({ request }) => {
    const isProxied = proxyHeaders.some((name) => request.headers.has(name));
    if (isProxied || !isPrivateAddress(getRequestContext(request).peerAddress)) throw new ControlError("Forbidden");
    registry ??= openRegistry(registerMetrics);
    const text = await (await registry).metrics();
    const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" };
    return new Response(text, { headers });
  });
}

async function openRegistry(registerMetrics: RegisterMetrics): Promise<Registry> {
  const { Registry } = await import("prom-client");
  const registry = new Registry();
  await registerMetrics(registry);
  return registry;
}
