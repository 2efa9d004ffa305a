import { Elysia } from "elysia";
import type { Readiness } from "./readiness.ts";

/** `/health/live` (also `/health`): the event loop turns, no I/O. `/health/ready` (also `/ready`): the server accepts work. */
export function healthRoutes(readiness: Readiness) {
  const live = () => Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } });
  const ready = async () => {
    const report = await readiness.report();
    const status = report.status === "ok" || report.status === "degraded" ? 200 : 503;
    return Response.json(report, { status, headers: { "cache-control": "no-store" } });
  };
  return new Elysia().get("/health", live).get("/health/live", live).get("/health/ready", ready).get("/ready", ready);
}
