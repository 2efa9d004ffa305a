import type { RouteRule } from "./route-rule.ts";

/** A route as the framework lists it. */
export interface ListedRoute {
  readonly method: string;
  /** As registered, such as `/api/v1/users/:id`. */
  readonly path: string;
  readonly hooks: {
    readonly detail?: unknown;
    /** Schemas of the request's parts and of answers, as far as the route has them. */
    readonly body?: unknown;
    readonly query?: unknown;
    readonly params?: unknown;
    readonly response?: unknown;
  };
}

/** The rules of all routes. */
export interface RouteRules {
  /** The rule of a route; undefined for public ones. HEAD is GET. */
  find(method: string, path: string): RouteRule | undefined;
  /** The rules of all routes that are not public. */
  readonly all: readonly RouteRule[];
}

/**
 * Reads the rule of every route.
 * @param publicPaths paths without a rule
 * @throws Error naming each route that is neither public nor has a rule, and each public one that has: it would count for nothing.
 */
export function collectRouteRules(routes: readonly ListedRoute[], publicPaths: ReadonlySet<string>): RouteRules {
  const rules = new Map<string, RouteRule>();
  const problems: string[] = [];
  for (const { method, path, hooks } of routes) {
    const rule = parseRule(hooks.detail);
    const isPublic = publicPaths.has(path);
    if ((rule === undefined) !== isPublic) problems.push(`${method} ${path}`);
    if (rule !== undefined) rules.set(`${method} ${path}`, rule);
  }
  if (problems.length > 0) throw new Error(`Routes must be public or name an action: ${problems.join(", ")}`);
  return {
    find: (method, path) => rules.get(`${method === "HEAD" ? "GET" : method} ${path}`),
    all: [...rules.values()],
  };
}

function parseRule(detail: unknown): RouteRule | undefined {
  if (typeof detail !== "object" || detail === null || !("action" in detail) || !("scope" in detail)) return undefined;
  const { action, scope } = detail;
  if (typeof action !== "string" || !(action === "-" || /^[a-z0-9]+:[A-Za-z]+$/.test(action))) return undefined;
  if (scope !== "T" && scope !== "G" && scope !== "O") return undefined;
  const freshProof = "freshProof" in detail && detail.freshProof === true;
  const serves = "serves" in detail ? detail.serves : undefined;
  const isServing = serves === "passwordChange" || serves === "enrolment";
  const isByRoute = "decidedBy" in detail && detail.decidedBy === "route";
  const ifMatch = "ifMatch" in detail && detail.ifMatch === true;
  const streams = "answer" in detail && isStream(detail.answer);
  const rule: RouteRule = { action, scope, freshProof, ...(ifMatch && { ifMatch }), ...(streams && { streams }) };
  return { ...rule, ...(isServing && { serves }), ...(isByRoute && { decidedBy: "route" }) };
}

/** Everything but JSON is. */
function isStream(answer: unknown): boolean {
  const content = typeof answer === "object" && answer !== null && "content" in answer ? answer.content : undefined;
  return Object.keys(content ?? {}).some((type) => type !== "application/json");
}
