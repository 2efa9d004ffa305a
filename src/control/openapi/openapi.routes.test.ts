import { afterEach, expect, test } from "bun:test";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls } from "#testing/opened-control.ts";

afterEach(closeControls);
/** What ends a session, token, key or second factor: there is nothing to edit, and it is urgent. */
const hasNoRevision = /\/(me|sts-sessions)\/|\/access-keys\/|\/sessions|\/second-factors$/;

test("openApiRoutes: every route is in the document, with action, scope, proof and problems", async () => {
  const { control, loggedIn } = await openConsole();
  const { status, body } = await (await loggedIn()).call("/api/openapi.json");
  expect([status, body.openapi, body.info.version]).toEqual([200, "3.1.0", "1.2.3"]);
  const ids = new Set<string>();
  for (const { method, path, hooks } of control.routes) {
    const shown = path.replaceAll(/:(\w+)/g, "{$1}").replace(/(?<=.)\/$/, "");
    const call = body.paths[shown]?.[method.toLowerCase()];
    expect([shown, call?.responses.default]).toEqual([shown, { $ref: "#/components/responses/Problem" }]);
    const detail = Object(hooks.detail);
    const wanted = detail.action && [detail.action, detail.scope, detail.freshProof === true];
    expect(call["x-action"] && [call["x-action"], call["x-scope"], call["x-fresh-proof"]]).toEqual(wanted);
    expect(call.requestBody === undefined).toBe(hooks.body === undefined);
    for (const name of shown.matchAll(/\{(\w+)\}/g)) {
      expect(call.parameters).toContainEqual(expect.objectContaining({ in: "path", name: name[1], required: true }));
    }
    const takesKey = (call.parameters ?? []).some(({ name }: { name: string }) => name === "Idempotency-Key");
    expect([shown, method, takesKey]).toEqual([shown, method, method === "POST" && detail.action !== undefined]);
    const wantsRevision = (call.parameters ?? []).some((one: { name: string }) => one.name === "If-Match");
    expect([shown, method, wantsRevision]).toEqual([shown, method, detail.ifMatch === true]);
    const isEdit = ["PUT", "PATCH", "DELETE"].includes(method) && !hasNoRevision.test(shown);
    if (isEdit) expect([shown, method, detail.ifMatch]).toEqual([shown, method, true]);
    if (detail.action) expect([shown, method, call.responses["2XX"]]).toEqual([shown, method, undefined]);
    ids.add(call.operationId);
  }
  expect(ids.size).toBe(control.routes.length);
  const known = Object.values(body.paths).flatMap((calls) => Object.keys(Object(calls)));
  expect(known).toHaveLength(control.routes.length);
});

test("openApiRoutes: requests are described by the schemas that judge them, problems as they are answered", async () => {
  const { loggedIn } = await openConsole();
  const client = await loggedIn();
  const { body } = await client.call("/api/openapi.json");
  const { post, get } = body.paths["/api/v1/users"];
  expect(Object.keys(post.requestBody.content)).toEqual(["application/json"]);
  expect(post.requestBody.content["application/json"].schema).toMatchObject({
    additionalProperties: false,
    required: ["name"],
    properties: { name: { type: "string", pattern: "^[A-Za-z0-9+=,.@_-]{1,64}$" } },
  });
  expect(get.parameters).toContainEqual({
    ...{ in: "query", name: "limit", required: false },
    schema: expect.objectContaining({ minimum: 1, maximum: 1000 }),
  });
  const { required, properties } = body.components.schemas.Problem;
  const refused = await client.call("users", { body: {} });
  expect(Object.keys(refused.body)).toEqual([...required, "errors"]);
  expect(Object.keys(properties)).toEqual([...required, "errors"]);
  expect(properties.code.enum).toContain(refused.body.code);
});

test("openApiRoutes: the document is for callers who are known, the page for everybody and from here alone", async () => {
  const { fetch, client } = await openConsole();
  expect((await fetch("/api/openapi.json")).status).toBe(401);
  for (const path of ["/page", "/document", "/swagger", "/swagger/json", "/api/docs/json", "/api/docs/nothing"]) {
    expect([path, (await fetch(path)).status]).toEqual([path, 401]);
  }
  const page = await client().call("/api/docs");
  const policy = page.headers.get("content-security-policy");
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).not.toContain("unsafe");
  const html = await (await fetch("/api/docs")).text();
  expect(html).not.toMatch(/\/\/|<style|style=|<script>| on\w+=/);
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = ""]) => link);
  expect(links).toHaveLength(3);
  for (const link of links) {
    const file = await fetch(`/api/${link}`);
    const type = link.endsWith(".css") ? "text/css" : "text/javascript";
    expect([link, file.status, file.headers.get("content-type")]).toEqual([link, 200, `${type}; charset=utf-8`]);
    expect((await file.text()).length).toBeGreaterThan(100);
  }
});

test("openApiRoutes: schemas have names, and each name is known", async () => {
  const { loggedIn } = await openConsole();
  const { body } = await (await loggedIn()).call("/api/openapi.json");
  const names = [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(names).toContain("User");
  expect([...new Set(names)].toSorted()).toEqual(Object.keys(body.components.schemas).toSorted());
  expect(JSON.stringify(body)).not.toContain('"$id"');
  const { responses } = body.paths["/api/v1/users"].post;
  expect(responses["201"]).toMatchObject({
    headers: { ETag: {}, Location: {} },
    content: { "application/json": { schema: { $ref: "#/components/schemas/User" } } },
  });
});
