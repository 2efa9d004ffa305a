import { Elysia } from "elysia";
import type { KeyEntry } from "#kernel/protocol/snapshot.ts";
import { accessKeyRoutes } from "./access-keys/access-keys.routes.ts";
import type { AccessKeys } from "./access-keys/access-keys.ts";
import { authenticateAdministrator } from "./http/basic-authentication.ts";
import { ControlError } from "./http/control-error.ts";
import { isUnexpected, renderProblem, toControlError } from "./http/render-problem.ts";
import { getRequestContext } from "./http/request-context.ts";
import { healthRoutes } from "./observe/health.routes.ts";
import type { Log } from "./observe/log.ts";
import { metricsRoutes, type RegisterMetrics } from "./observe/metrics.routes.ts";
import type { Readiness } from "./observe/readiness.ts";

/** What the routes stand on. */
export interface ControlAppOptions {
  readonly version: string;
  readonly keys: ReadonlyMap<string, KeyEntry>;
  readonly accessKeys: AccessKeys;
  readonly readiness: Readiness;
  readonly registerMetrics: RegisterMetrics;
  readonly log: Log;
}

/** Everything else is for administrators: a route that nobody put here is not public. */
const publicPaths = new Set(["/", "/health", "/health/live", "/health/ready", "/ready", "/metrics"]);

/** The control plane's HTTP routes. */
export function createControlApp({ version, keys, accessKeys, readiness, registerMetrics, log }: ControlAppOptions) {
  return new Elysia({ normalize: false })
    .onError(({ code, error, request }) => {
      const { requestId } = getRequestContext(request);
      const found = toControlError({ code, error });
      if (isUnexpected(found)) log.error("A request failed", { requestId, error: describe(error) });
      return renderProblem(found, requestId);
    })
    .onRequest(({ request }) => {
      const url = new URL(request.url);
      // The router reads the text, this guard the parsed URL: where they could differ, nobody gets in.
      if (url.href !== request.url || url.hash !== "") throw new ControlError("InvalidRequest");
      if (publicPaths.has(url.pathname)) return;
      authenticateAdministrator(request, keys);
      refuseOtherBodies(request);
    })
    .get("/", () => renderWelcome(version))
    .use(healthRoutes(readiness))
    .use(metricsRoutes(registerMetrics))
    .use(accessKeyRoutes(accessKeys));
}

/** The type of the routes, for the console. @public */
export type ControlApp = ReturnType<typeof createControlApp>;

/** A browser sends other types to foreign origins without asking first. */
function refuseOtherBodies(request: Request): void {
  if (request.method === "GET" || request.method === "HEAD" || request.method === "DELETE") return;
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") throw new ControlError("UnsupportedMediaType");
}

function renderWelcome(version: string): Response {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>MaxIOFS</title>
<h1>MaxIOFS ${version}</h1>
<p>The server runs. The console comes in a later release; until then see <a href="/health/ready">its state</a>.</p>
</html>
`;
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
