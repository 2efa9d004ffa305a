import { Elysia } from "elysia";
import { controlErrors } from "../http/control-error.ts";
import type { ListedRoute } from "../http/route-rules.ts";
import { maxIdempotencyKeyLength } from "../idempotency/idempotency-keys.ts";

interface Parameter {
  readonly in: string;
  readonly required: boolean;
}

/** What the document says of one call; what it does not name goes through as it is. */
interface Operation {
  readonly tags?: unknown;
  readonly operationId?: unknown;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: unknown;
  readonly responses?: Readonly<Record<string, object>>;
  readonly action?: unknown;
  readonly scope?: unknown;
  readonly freshProof?: unknown;
}

/** An OpenAPI document as far as it is read here. */
export interface ApiDocument {
  /** By path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly [member: string]: unknown;
}

/** The problem of `render-problem.ts`. Source: RFC 9457. */
const problem = {
  type: "object",
  required: ["type", "title", "status", "detail", "code", "requestId"] as string[],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", enum: Object.keys(controlErrors) },
    requestId: { type: "string" },
    errors: {
      type: "array",
      maxItems: 20,
      items: {
        type: "object",
        required: ["pointer", "message"] as string[],
        properties: { pointer: { type: "string" }, message: { type: "string" } },
      },
    },
  },
} as const;

const components = {
  schemas: { Problem: problem },
  responses: {
    Problem: {
      description: "What went wrong, as RFC 9457 says it",
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    },
  },
  securitySchemes: {
    token: { type: "http", scheme: "bearer", description: "An API token of `POST /api/v1/me/tokens`" },
    accessKey: { type: "http", scheme: "basic", description: "An administrator's access key and secret" },
    csrf: { type: "apiKey", in: "header", name: "X-MaxIOFS-CSRF", description: "Beside the cookie, for changes" },
  },
} as const;

/**
 * The OpenAPI 3.0 document of routes, from the schemas by which they judge requests. The plugin reads copies of the routes in an app
 * that nobody listens with: its own page, which loads a viewer from a foreign host, is nowhere.
 * @param routes without handlers: none is called
 */
export async function describeRoutes(routes: readonly ListedRoute[], version: string): Promise<ApiDocument> {
  const { swagger } = await import("@elysiajs/swagger");
  const own = { path: "/page", specPath: "/document" };
  const info = { title: "MaxIOFS control API", version, description };
  const documentation = { info, security: [{ token: [] }, { accessKey: [] }, { csrf: [] }], components };
  const reader = new Elysia({ normalize: false }).use(swagger({ ...own, excludeStaticFile: false, documentation }));
  for (const { method, path, hooks } of routes) {
    const { detail, body, query, params, response } = hooks;
    const found = Object.entries({ detail, body, query, params, response }).filter(([, given]) => given !== undefined);
    reader.route(method, path, nothing, { ...Object.fromEntries(found), parse: "json" });
  }
  const answer = await reader.handle(new Request(`http://localhost${own.specPath}`));
  const document: ApiDocument = await answer.json();
  return { ...document, paths: renamePaths(document.paths) };
}

const description =
  "Every call below `/api/v1` names the action that policies decide (`x-action`), whose things it touches (`x-scope`: T the tenant's, " +
  "G the server's, for global administrators, O the caller's own), and whether password or second factor must have been given within " +
  "10 minutes (`x-fresh-proof`).";

/** Of every POST of a caller who is known. */
const idempotencyKey = {
  in: "header",
  name: "Idempotency-Key",
  required: false,
  description: "The same call with the same key, within 24 hours, has the same answer and happens once",
  schema: { type: "string", minLength: 1, maxLength: maxIdempotencyKeyLength },
} as const;

function nothing(): string {
  return "";
}

/** A path with a slash at its end answers without it too: the document knows the shorter one. */
function renamePaths(paths: ApiDocument["paths"]): ApiDocument["paths"] {
  const renamed: Record<string, Record<string, Operation>> = {};
  for (const [path, calls] of Object.entries(paths)) {
    const shown = path.length > 1 ? path.replace(/\/$/, "") : path;
    const known = renamed[shown] ?? {};
    for (const [method, operation] of Object.entries(calls)) known[method] = describeOperation(method, operation);
    renamed[shown] = known;
  }
  return renamed;
}

function describeOperation(
  method: string,
  { tags, operationId, parameters = [], requestBody, responses, ...rule }: Operation,
): Operation {
  const succeeds = Object.entries(responses ?? {}).filter(([, response]) => "description" in response);
  const isRepeatable = method === "post" && rule.action !== undefined;
  const known = [...parameters.map(requireInPath), ...(isRepeatable ? [idempotencyKey] : [])];
  return {
    ...(tags !== undefined && { tags }),
    operationId,
    ...(known.length > 0 && { parameters: known }),
    ...(requestBody !== undefined && { requestBody }),
    responses: {
      ...(succeeds.length > 0 ? Object.fromEntries(succeeds) : { "2XX": { description: "The call succeeded" } }),
      default: { $ref: "#/components/responses/Problem" },
    },
    ...(rule.action === undefined
      ? { security: [] }
      : { "x-action": rule.action, "x-scope": rule.scope, "x-fresh-proof": rule.freshProof === true }),
  };
}

/** The same parameters serve paths with and without a tenant, so their schema has it optional; in a path it never is. */
function requireInPath(parameter: Parameter): Parameter {
  return parameter.in === "path" ? { ...parameter, required: true } : parameter;
}
