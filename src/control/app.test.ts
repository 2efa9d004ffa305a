import { afterEach, expect, test } from "bun:test";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);
const administrator = testAdministrator;
const grants = [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }];

test("authenticateAdministrator: nobody else gets in, on any path that is not public", async () => {
  const { control, fetch } = await startControl();
  const user = await control.accessKeys.createKey({ userName: "alice", grants });
  const wrong = { ...administrator, secretKey: `${administrator.secretKey}x` };
  for (const as of [
    undefined,
    user,
    wrong,
    { accessKeyId: "", secretKey: "" },
    { ...administrator, accessKeyId: "x" },
  ]) {
    for (const path of ["/api/v1/access-keys", "/api/v1/nothing", "/nothing", "/health/../api/v1/access-keys"]) {
      const response = await fetch(path, as === undefined ? {} : { as });
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get("www-authenticate")).toStartWith("Basic");
    }
  }
  for (const authorization of ["Basic", "Basic !", `Basic ${btoa("x")}`, `Bearer x`, `Basic ${"A".repeat(5000)}`]) {
    expect((await fetch("/api/v1/access-keys", { headers: { authorization } })).status).toBe(401);
  }
  expect((await fetch("/api/v1/nothing", { as: administrator })).status).toBe(404);
});

test("createControlApp: each answer has its own request id and safe headers; the first page has the version", async () => {
  const { fetch } = await startControl();
  const ids = new Set<string>();
  for (const path of ["/", "/health", "/nothing", "/metrics"]) {
    const response = await fetch(path, { headers: { "x-request-id": "mine" } });
    ids.add(response.headers.get("x-request-id") ?? "");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  }
  expect(ids.size).toBe(4);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(await (await fetch("/")).text()).toContain("MaxIOFS 1.2.3");
});

test("createControlApp: a thrown message never reaches the client, the log has it", async () => {
  const { fetch, lines } = await startControl({ registerMetrics: () => Promise.reject(new Error("hidden /path")) });
  const response = await fetch("/metrics");
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(text).not.toContain("hidden");
  expect(JSON.parse(text)).toMatchObject({ code: "InternalError", requestId: response.headers.get("x-request-id") });
  expect(lines.join()).toContain("hidden /path");
});

test("metricsRoutes: what was registered, once; not for those behind a proxy", async () => {
  let count = 0;
  const { fetch } = await startControl({
    registerMetrics: async (registry) => {
      count++;
      const { Gauge } = await import("prom-client");
      new Gauge({ name: "maxiofs_test", help: "Test", registers: [registry] }).set(3);
    },
  });
  const response = await fetch("/metrics");
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await response.text()).toContain("\nmaxiofs_test 3\n");
  await fetch("/metrics");
  expect(count).toBe(1);
  expect((await fetch("/metrics", { headers: { "x-forwarded-for": "127.0.0.1" } })).status).toBe(403);
});

test("healthRoutes: ready tells each check, 503 while one fails or the server drains", async () => {
  let isBroken = true;
  const check = async () => {
    if (isBroken) throw new Error("secret reason");
  };
  const { control, fetch, lines } = await startControl({ probes: [{ name: "catalog", check }] });
  expect((await fetch("/health/live")).status).toBe(200);
  const broken = await fetch("/health/ready");
  expect(broken.status).toBe(503);
  const text = await broken.text();
  expect(text).not.toContain("secret reason");
  expect(lines.join()).toContain("secret reason");
  const report = JSON.parse(text);
  expect(report.checks.map(({ name, status }: Record<string, string>) => `${name} ${status}`)).toEqual([
    "control.db ok",
    "snapshot ok",
    "buckets ok",
    "catalog failed",
  ]);
  expect(report.checks[0]).toEqual({
    name: "control.db",
    status: "ok",
    latencyMs: expect.any(Number),
    since: expect.stringMatching(/Z$/),
  });
  isBroken = false;
  await Bun.sleep(60);
  expect((await fetch("/ready")).status).toBe(200);
  control.drain();
  expect((await fetch("/health/ready")).status).toBe(503);
  expect((await fetch("/health")).status).toBe(200);
});
