import { Elysia } from "elysia";
import { controlErrors } from "../http/control-error.ts";
import type { RouteAnswer } from "../http/route-answer.ts";
import type { ListedRoute } from "../http/route-rules.ts";
import { maxIdempotencyKeyLength } from "../idempotency/idempotency-keys.ts";

interface Parameter {
  readonly in: string;
  readonly required: boolean;
}

/** What the document says of one call. */
export interface DescribedCall {
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
  readonly [member: string]: unknown;
}

interface DescribedAnswer {
  /** By media type. */
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
  readonly [member: string]: unknown;
}

/** What the plugin says of one call. */
interface Operation {
  readonly tags?: unknown;
  readonly operationId?: unknown;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: unknown;
  readonly responses?: Readonly<Record<string, object>>;
  readonly action?: unknown;
  readonly scope?: unknown;
  readonly freshProof?: unknown;
  readonly ifMatch?: unknown;
  readonly answer?: RouteAnswer;
}

/** Named schemas that were met, by `$id`. */
type Named = Record<string, unknown>;

/** The document as the plugin makes it. */
interface PluginDocument {
  /** By path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly [member: string]: unknown;
}

/** An OpenAPI document as far as it is read here. */
export interface ApiDocument {
  /** By path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedCall>>>>;
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
 * The OpenAPI 3.1 document of routes, from the schemas by which they judge requests and the answers that they name. The plugin reads copies of the routes in an app
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
  const document: PluginDocument = await answer.json();
  const named: Named = {};
  const paths = describePaths(document.paths, named);
  const schemas = Object.fromEntries(Object.entries(named).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  // The plugin says 3.0; the schemas are JSON Schema 2020-12, as 3.1 has them.
  return {
    ...document,
    openapi: "3.1.0",
    components: { ...components, schemas: { ...schemas, Problem: problem } },
    paths,
  };
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

/** Of every call that edits what has a revision. */
const ifMatch = {
  in: "header",
  name: "If-Match",
  required: true,
  description: "The ETag that was read, or `*` for whatever there is; else 428, or 412 when somebody was faster",
  schema: { type: "string", minLength: 1 },
} as const;

const answerHeaders = {
  ETag: { description: "The revision, for If-Match", schema: { type: "string" } },
  Location: { description: "Where it is", schema: { type: "string" } },
} as const;

function nothing(): string {
  return "";
}

/** A path with a slash at its end answers without it too: the document knows the shorter one. */
function describePaths(paths: PluginDocument["paths"], named: Named): ApiDocument["paths"] {
  const renamed: Record<string, Record<string, DescribedCall>> = {};
  for (const [path, calls] of Object.entries(paths)) {
    const shown = path.length > 1 ? path.replace(/\/$/, "") : path;
    const known = renamed[shown] ?? {};
    for (const [method, operation] of Object.entries(calls))
      known[method] = describeOperation(method, operation, named);
    renamed[shown] = known;
  }
  return renamed;
}

function describeOperation(
  method: string,
  { tags, operationId, parameters = [], requestBody, responses: _, answer, ...rule }: Operation,
  named: Named,
): DescribedCall {
  const isRepeatable = method === "post" && rule.action !== undefined;
  const headers = [...(isRepeatable ? [idempotencyKey] : []), ...(rule.ifMatch === true ? [ifMatch] : [])];
  const known = [...parameters.map(requireInPath), ...headers];
  return {
    ...(tags !== undefined && { tags }),
    operationId,
    ...(known.length > 0 && { parameters: known }),
    ...(requestBody !== undefined && { requestBody }),
    responses: {
      ...(answer === undefined
        ? { "2XX": { description: "The call succeeded" } }
        : { [answer.status]: describeAnswer(answer, named) }),
      default: { $ref: "#/components/responses/Problem" },
    },
    ...(rule.action === undefined
      ? { security: [] }
      : { "x-action": rule.action, "x-scope": rule.scope, "x-fresh-proof": rule.freshProof === true }),
  };
}

function describeAnswer({ description, content = {}, headers }: RouteAnswer, named: Named): DescribedAnswer {
  const bodies = Object.entries(content).map(
    ([type, schema]) => [type, { schema: Object(nameSchemas(schema, named)) }] as const,
  );
  return {
    description,
    ...(headers.length > 0 && { headers: Object.fromEntries(headers.map((name) => [name, answerHeaders[name]])) }),
    ...(bodies.length > 0 && { content: Object.fromEntries(bodies) }),
  };
}

/** A schema in which those that have a name are references; they go into `named`. */
function nameSchemas(schema: unknown, named: Named): unknown {
  if (Array.isArray(schema)) return schema.map((item) => nameSchemas(item, named));
  if (typeof schema !== "object" || schema === null) return schema;
  const { $id, ...members }: { readonly $id?: string } = schema;
  const plain = Object.fromEntries(Object.entries(members).map(([name, value]) => [name, nameSchemas(value, named)]));
  if ($id === undefined) return plain;
  named[$id] = plain;
  return { $ref: `#/components/schemas/${$id}` };
}

/** The same parameters serve paths with and without a tenant, so their schema has it optional; in a path it never is. */
function requireInPath(parameter: Parameter): Parameter {
  return parameter.in === "path" ? { ...parameter, required: true } : parameter;
}
