import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ConsoleClient } from "#testing/console-client.ts";
import { makeKey } from "#testing/make-key.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls, testAdministrator, testPassword } from "#testing/opened-control.ts";

/** One route with the rule that stands in its `detail`. */
interface Route {
  readonly method: string;
  readonly path: string;
  readonly action: string;
  readonly scope: string;
  readonly freshProof: boolean;
  readonly ifMatch: boolean;
}

type World = Awaited<ReturnType<typeof openConsole>> & {
  readonly alice: ConsoleClient;
  readonly token: string;
  readonly routes: readonly Route[];
};

const publicPaths = [
  ...["GET /", "GET /health", "GET /health/live", "GET /health/ready", "GET /ready", "GET /metrics"],
  ...["GET /api/v1/auth/methods", "POST /api/v1/auth/login", "POST /api/v1/auth/second-factor"],
  ...["GET /api/docs", "GET /api/docs/start.js"],
  ...["GET /api/docs/swagger-ui-bundle.js", "GET /api/docs/swagger-ui.css"],
];

let world: World;
beforeAll(async () => {
  const opened = await openConsole({ "security.ratelimit_enabled": false });
  const { control, client, loggedIn } = opened;
  await makeKey(control, { userName: "alice", policy: null });
  const account = await control.logins.find("default", "alice");
  const system = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
  const { password } = await control.logins.resetPassword(account, system);
  const alice = client();
  await alice.logIn("alice", password);
  await alice.call("me/password", { body: { password: `${testPassword}9` } });
  const { token } = (await (await loggedIn()).call("me/tokens", { body: { name: "walk" } })).body;
  const routes = control.routes.flatMap(({ method, path, hooks: { detail } }) => readRoute(method, path, detail));
  world = { ...opened, alice, token, routes };
});
afterAll(closeControls);

function readRoute(method: string, path: string, detail: unknown): Route[] {
  const has = (name: string): unknown => Object.getOwnPropertyDescriptor(detail ?? {}, name)?.value;
  if (publicPaths.includes(`${method} ${path}`)) return [];
  const [action, scope] = [String(has("action")), String(has("scope"))];
  const [freshProof, ifMatch] = [has("freshProof") === true, has("ifMatch") === true];
  return [{ method, path: path.replaceAll(/:\w+/g, "nothing"), action, scope, freshProof, ifMatch }];
}

/** Method, path, status and code of each route's answer that is not as wanted. */
async function findOthers(
  send: (route: Route) => Promise<readonly [status: number, code: unknown]>,
  isWanted: (answer: readonly [status: number, code: unknown], route: Route) => boolean,
): Promise<string[]> {
  const others: string[] = [];
  for (const route of world.routes) {
    const answer = await send(route);
    if (!isWanted(answer, route)) others.push(`${route.method} ${route.path}: ${answer.join(" ")}`);
  }
  return others;
}

async function sendAs({ method, path }: Route, headers: Record<string, string>) {
  const body = method === "GET" ? {} : { body: "{}" };
  const response = await world.fetch(path, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...body,
  });
  // The live stream has no end.
  const isStream = response.headers.get("content-type") === "text/event-stream";
  if (isStream) await response.body?.cancel();
  const text = isStream ? "" : await response.text();
  return [response.status, text.startsWith("{") ? JSON.parse(text).code : undefined] as const;
}

test("routes: there are many, and every one that is not public has a rule", () => {
  expect(world.routes.length).toBeGreaterThan(30);
  for (const { action, scope } of world.routes) expect(`${action} ${scope}`).toMatch(/^(-|[a-z0-9]+:[A-Za-z]+) [TGO]$/);
});

test.each([
  ["no credentials", {}],
  ["a token nobody has", { authorization: `Bearer mxt_${"A".repeat(40)}` }],
  ["another scheme", { authorization: "Digest username=admin" }],
])("routes: with %s every one answers 401", async (_, headers) => {
  expect(
    await findOthers(
      (route) => sendAs(route, headers),
      ([status]) => status === 401,
    ),
  ).toEqual([]);
});

test("routes: with a session nobody has, every one answers 401", async () => {
  const cookie = `maxiofs-${world.port}=${"A".repeat(43)}`;
  expect(
    await findOthers(
      (route) => sendAs(route, { cookie }),
      ([status]) => status === 401,
    ),
  ).toEqual([]);
});

test("routes: with a session and without its CSRF token, nothing can be changed", async () => {
  const cookie = [...world.alice.cookies].map(([name, value]) => `${name}=${value}`).join();
  const others = await findOthers(
    (route) => sendAs(route, { cookie, origin: world.alice.origin }),
    ([, code], { method }) => method === "GET" || code === "ForeignOrigin",
  );
  expect(others).toEqual([]);
});

test("routes: those of the whole server are not for a user who is no global administrator", async () => {
  const send = async ({ method, path }: Route) => {
    const { status, body } = await world.alice.call(path, { method, ...(method !== "GET" && { body: {} }) });
    return [status, body?.code] as const;
  };
  const others = await findOthers(
    async (route) => (route.scope === "G" ? send(route) : [403, "Forbidden"]),
    ([status]) => status === 403,
  );
  expect(others).toEqual([]);
});

test("routes: an API token is no fresh proof", async () => {
  const headers = { authorization: `Bearer ${world.token}` };
  const others = await findOthers(
    async (route) => (route.freshProof ? sendAs(route, headers) : [403, "FreshProofWanted"]),
    ([, code]) => code === "FreshProofWanted",
  );
  expect(others).toEqual([]);
});

test("routes: an administrator's key gets past the guard of every one", async () => {
  const { accessKeyId, secretKey } = testAdministrator;
  const headers = { authorization: `Basic ${btoa(`${accessKeyId}:${secretKey}`)}` };
  const others = await findOthers(
    (route) => sendAs(route, headers),
    ([status]) => status !== 401 && status < 500,
  );
  expect(others).toEqual([]);
});

test("routes: what edits something with a revision answers 428 to a request that names none", async () => {
  const { accessKeyId, secretKey } = testAdministrator;
  const headers = { authorization: `Basic ${btoa(`${accessKeyId}:${secretKey}`)}` };
  expect(world.routes.filter(({ ifMatch }) => ifMatch).length).toBeGreaterThan(30);
  const others = await findOthers(
    async (route) => (route.ifMatch ? sendAs(route, headers) : [428, "PreconditionRequired"]),
    ([, code]) => code === "PreconditionRequired",
  );
  expect(others).toEqual([]);
});
