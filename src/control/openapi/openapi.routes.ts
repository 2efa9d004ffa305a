import { Elysia, t } from "elysia";
import viewerStyle from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import viewerScript from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import { valueAnswer } from "../http/route-answer.ts";
import type { ListedRoute } from "../http/route-rules.ts";
import { type ApiDocument, describeRoutes } from "./describe-routes.ts";

const documentAnswer = valueAnswer(t.Record(t.String(), t.Unknown()), "This document");

/** What the routes stand on. */
export interface OpenApiRoutesOptions {
  readonly version: string;
  /** Of the whole app; asked at the first request. */
  readonly routes: () => readonly ListedRoute[];
}

/** Routes that need no session: they are the same for everybody and say nothing about this server. */
export const publicDocsPaths: readonly string[] = [
  "/api/docs",
  "/api/docs/swagger-ui.css",
  "/api/docs/swagger-ui-bundle.js",
  "/api/docs/start.js",
];

/** The page's links stay below `/api/`, also behind a proxy with a path of its own. */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>MaxIOFS control API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="viewer"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

/** A session's changes need its CSRF token: who is logged in in this browser need not type it. */
const start = `"use strict";
const session = fetch("v1/auth/session").then((answer) => (answer.ok ? answer.json() : {}));
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#viewer",
  validatorUrl: null,
  requestInterceptor: async (request) => {
    const { csrfToken } = await session;
    if (csrfToken !== undefined && request.method !== "GET") request.headers["X-MaxIOFS-CSRF"] ??= csrfToken;
    return request;
  },
});
`;

/** As the console's, without what only the console needs. The viewer sets styles by property alone and has images in its style sheet. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

/** The viewer changes with the program alone, the program may be another one tomorrow. */
const maxAge = "public, max-age=3600";

/**
 * `/api/openapi.json`: every route with the schemas of its requests, its action and scope, for whoever is logged in. `/api/docs`: a
 * page that shows it, with a viewer out of the program itself; nothing is loaded from elsewhere.
 */
export function openApiRoutes({ version, routes }: OpenApiRoutesOptions) {
  let document: ApiDocument | undefined;
  const detail = { tags: ["docs"] };
  return new Elysia({ prefix: "/api", normalize: false })
    .get(
      "/openapi.json",
      async () => {
        document ??= await describeRoutes(routes(), version);
        return document;
      },
      { detail: { ...detail, action: "-", scope: "O", answer: documentAnswer } },
    )
    .get("/docs", () => answer(page, "text/html; charset=utf-8"), { detail })
    .get("/docs/start.js", () => answer(start, "text/javascript; charset=utf-8"), { detail })
    .get("/docs/swagger-ui-bundle.js", () => answer(Bun.file(viewerScript), "text/javascript; charset=utf-8"), {
      detail,
    })
    .get("/docs/swagger-ui.css", () => answer(Bun.file(viewerStyle), "text/css; charset=utf-8"), { detail });
}

function answer(body: string | Blob, type: string): Response {
  return new Response(body, {
    headers: { "content-type": type, "content-security-policy": policy, "cache-control": maxAge },
  });
}
