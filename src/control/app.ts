import { Elysia } from "elysia";
import { isProduction } from "elysia/error";
import type { Clock } from "#kernel/base/clock.ts";
import { auditRoutes } from "./audit/audit.routes.ts";
import type { AuditTrail } from "./audit/audit-trail.ts";
import type { DataEventFiles } from "./audit/data-event-files.ts";
import type { BucketQuotas } from "./buckets/bucket-quotas.ts";
import { quotaRoutes } from "./buckets/quota.routes.ts";
import { diagnosticsRoutes } from "./diagnostics/diagnostics.routes.ts";
import type { WorkerQuestions } from "./diagnostics/worker-questions.ts";
import { isInNetworks } from "./http/address-networks.ts";
import { ControlError } from "./http/control-error.ts";
import { isLocalRequest } from "./http/local-request.ts";
import type { LogInGuard } from "./http/log-in-guard.ts";
import { parseJsonBody } from "./http/parse-json-body.ts";
import { type FrameworkFailure, isUnexpected, renderProblem, toControlError } from "./http/render-problem.ts";
import { getRequestCaller } from "./http/request-caller.ts";
import { getRequestContext } from "./http/request-context.ts";
import { collectRouteRules, type ListedRoute, type RouteRules } from "./http/route-rules.ts";
import { answerS3Request } from "./http/s3-hint.ts";
import { identityRoutes } from "./iam/identities.routes.ts";
import type { Identities } from "./iam/identities.ts";
import type { IdempotencyKeys } from "./idempotency/idempotency-keys.ts";
import { healthRoutes } from "./observe/health.routes.ts";
import { historyRoutes } from "./observe/history.routes.ts";
import { liveRoutes } from "./observe/live.routes.ts";
import type { LiveFeed } from "./observe/live-feed.ts";
import type { Log } from "./observe/log.ts";
import { metricsRoutes, type RegisterMetrics } from "./observe/metrics.routes.ts";
import type { MetricsHistory } from "./observe/metrics-history.ts";
import type { Readiness } from "./observe/readiness.ts";
import { openApiRoutes, publicDocsPaths } from "./openapi/openapi.routes.ts";
import { authRoutes, publicAuthPaths } from "./session/auth.routes.ts";
import type { Guard } from "./session/guard.ts";
import { meRoutes } from "./session/me.routes.ts";
import type { SessionPlane } from "./session/open-session-plane.ts";
import { userLoginRoutes } from "./session/user-logins.routes.ts";
import type { ServerSettings } from "./settings/server-settings.ts";
import { settingsRoutes } from "./settings/settings.routes.ts";
import type { SnapshotPublisher } from "./snapshot/publisher.ts";
import type { Sts } from "./sts/sts.ts";
import { stsSessionRoutes } from "./sts/sts-sessions.routes.ts";
import type { StsSessions } from "./sts/sts-sessions.ts";

/** What the routes stand on. */
export interface ControlAppOptions {
  readonly version: string;
  readonly logIns: LogInGuard;
  readonly session: SessionPlane;
  /** 0 when it is not known. */
  readonly s3Port: number;
  /** Names of the server, in lower case, by which metrics may be asked for. */
  readonly knownHosts: () => readonly string[];
  readonly identities: Identities;
  readonly publisher: Pick<SnapshotPublisher, "entries">;
  readonly quotas: BucketQuotas;
  readonly settings: ServerSettings;
  readonly audit: AuditTrail;
  readonly dataEvents: DataEventFiles;
  readonly questions: WorkerQuestions;
  readonly sts: Pick<Sts, "enter">;
  readonly stsSessions: StsSessions;
  readonly idempotency: Pick<IdempotencyKeys, "begin">;
  readonly history: MetricsHistory;
  readonly live: LiveFeed;
  readonly readiness: Readiness;
  readonly registerMetrics: RegisterMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Everything else is for callers whom the guard knows: a route that nobody put here is not public. */
const publicPaths = new Set([
  "/",
  "/health",
  "/health/live",
  "/health/ready",
  "/ready",
  "/metrics",
  ...publicAuthPaths,
  ...publicDocsPaths,
]);

/** The control plane's HTTP routes. @throws Error when a route is neither public nor names its action. */
export function createControlApp(options: ControlAppOptions) {
  requireProduction();
  const { version, logIns, session, s3Port, knownHosts, settings, audit, readiness, registerMetrics, clock, log } =
    options;
  const { guard } = session;
  const { sts } = options;
  const entryMode = () => settings.current["security.tenant_entry"];
  const { quotas } = options;
  let rules: RouteRules | undefined;
  let listed: readonly ListedRoute[] = [];
  const isLocal = (request: Request, networks: readonly string[]) =>
    isLocalRequest(request, { knownHosts: knownHosts(), isAllowed: isInNetworks(networks) });
  const authenticate = (request: Request) => logIns.authenticate(request);
  // By default the router looks for the path behind the 11th character of the URL: with a host of one to three that is in the query.
  const app = new Elysia({ normalize: false, handler: { standardHostname: false } })
    .onError(({ code, error, request }) => answerFailure(request, { code, error }, { guard, log }))
    .onRequest(async ({ request }) => {
      const url = URL.parse(request.url);
      if (url === null) throw new ControlError("InvalidRequest", "The Host header must name a host");
      const isPublic = publicPaths.has(url.pathname);
      const hint = answerS3Request(request, s3Port, isPublic && url.pathname !== "/");
      if (hint !== undefined) return hint;
      // The router reads the text, this guard the parsed URL: where they could differ, nobody gets in.
      if (url.href !== request.url || url.hash !== "") throw new ControlError("InvalidRequest");
      if (!isPublic) await guard.authenticate(request);
      refuseOtherBodies(request);
      return undefined;
    })
    .onParse({ as: "global" }, async ({ request }) => parseJsonBody(await request.text()))
    .onTransform(async ({ request, route }) => {
      // Whatever path the guard saw: the route that the router chose is public, or somebody asks who may.
      if (publicPaths.has(route)) return;
      // The body came after the caller was judged, as slowly as he liked.
      if (request.method !== "GET" && request.method !== "HEAD") await guard.judgeAgain(request);
      const rule = rules?.find(request.method, route);
      guard.authorize(request, rule);
      // The framework would make the answer to GET and read it to its end, to count its bytes.
      if (rule?.streams && request.method === "HEAD") throw new ControlError("MethodNotAllowed");
      if (rule?.ifMatch && !request.headers.has("if-match")) throw new ControlError("PreconditionRequired");
    })
    .onBeforeHandle(({ request, route, body }) => {
      if (publicPaths.has(route) || !request.headers.has("idempotency-key")) return undefined;
      const requireAllowed = guard.requireAllowed.bind(guard);
      const { action = "-" } = getRequestContext(request);
      return options.idempotency.begin({ request, action, caller: getRequestCaller(request), body, requireAllowed });
    })
    .get("/", () => renderWelcome(version))
    .use(healthRoutes(readiness))
    .use(metricsRoutes({ registerMetrics, settings: () => settings.current, isLocal, authenticate }))
    .use(authRoutes(session))
    .use(meRoutes({ ...session, rules: () => rules?.all ?? [] }))
    .use(userLoginRoutes({ ...session, publisher: options.publisher }))
    .use(identityRoutes({ guard, publisher: options.publisher, sts, entryMode }, options.identities))
    .use(quotaRoutes({ quotas, callerOf: getRequestCaller, allows: session.allows }))
    .use(settingsRoutes({ settings, callerOf: getRequestCaller }))
    .use(stsSessionRoutes({ guard, publisher: options.publisher, sessions: options.stsSessions }))
    .use(diagnosticsRoutes({ questions: options.questions, callerOf: getRequestCaller }))
    .use(auditRoutes({ audit, dataEvents: options.dataEvents, clock, callerOf: getRequestCaller }))
    .use(historyRoutes({ history: options.history, clock }))
    .use(liveRoutes({ live: options.live, guard }))
    .use(openApiRoutes({ version, routes: () => listed }));
  listed = app.routes;
  rules = collectRouteRules(listed, publicPaths);
  return app;
}

/** The type of the routes, for the console. @public */
export type ControlApp = ReturnType<typeof createControlApp>;

/** Elsewhere the framework renders what it saw, with indentation, into each message: megabytes of a body become gigabytes. */
function requireProduction(): void {
  if (!isProduction) throw new Error("NODE_ENV must be production before the control plane is loaded");
}

function answerFailure(
  request: Request,
  failure: FrameworkFailure,
  { guard, log }: { readonly guard: Pick<Guard, "recordRefusal">; readonly log: Log },
): Response {
  const { requestId } = getRequestContext(request);
  const found = toControlError(failure);
  guard.recordRefusal(request, found);
  if (isUnexpected(found)) log.error("A request failed", { requestId, error: describe(failure.error) });
  return renderProblem(found, requestId, request.headers.has("sec-fetch-site"));
}

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
<p>The server runs. The console comes in a later release; until then see <a href="/health/ready">its state</a>
and <a href="/api/docs">its API</a>.</p>
</html>
`;
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
