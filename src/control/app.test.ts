import { afterEach, expect, test } from "bun:test";
import { testDataSettings } from "#testing/data-settings.ts";
import { entriesWith, policyOf, testKey, testUser } from "#testing/identities.ts";
import { makeKey } from "#testing/make-key.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";
import { TooManyRequestsError } from "./http/control-error.ts";
import { LogInGuard } from "./http/log-in-guard.ts";
import { setRequestContext } from "./http/request-context.ts";
import { createLog } from "./observe/log.ts";
import { SnapshotPublisher } from "./snapshot/publisher.ts";

afterEach(closeControls);
const administrator = testAdministrator;
const policy = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }]);

test("LogInGuard: nobody else gets in, on any path that is not public", async () => {
  const { control, fetch } = await startControl();
  const user = await makeKey(control, { userName: "alice", policy });
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

test("LogInGuard: no host lets the router read another path than the guard", async () => {
  const { fetch } = await startControl();
  const body = JSON.stringify({ userName: "mallory", policy });
  for (const host of ["a", "ab", "abc", "a:1", "abcd", "a.example", "[::1]"]) {
    for (const query of [
      "?x=/api/v1/access-keys",
      "?/api/v1/access-keys",
      "?xx=/api/v1/access-keys",
      "??/../api/v1/access-keys",
    ]) {
      for (const path of ["/", "/health", "/ready"]) {
        const target = `${path}${query}`;
        const read = await (await fetch(target, { headers: { host } })).text();
        expect([host, target, read]).toEqual([host, target, expect.not.stringContaining("AKIA")]);
        const { status } = await fetch(target, { method: "POST", headers: { host }, body });
        expect([host, target, status]).toEqual([host, target, 404]);
      }
    }
    expect((await fetch("/health", { headers: { host } })).status).toBe(200);
    expect((await fetch("/api/v1/access-keys", { headers: { host } })).status).toBe(401);
    expect((await fetch("/api/v1/access-keys", { headers: { host }, as: administrator })).status).toBe(200);
  }
});

test("createControlApp: a Host that is none is the client's mistake", async () => {
  const { fetch, lines } = await startControl();
  for (const host of ["[a]", "a:1:2", "a@b", "a/b", "a b"]) {
    const response = await fetch("/health", { headers: { host } });
    expect([host, response.status]).toEqual([host, 400]);
    expect(await response.text()).toContain("Host header");
  }
  expect(lines.join()).not.toContain('"level":"error"');
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

test("createControlApp: a body that is nested deep is refused before anybody looks at it", async () => {
  const { fetch } = await startControl();
  const post = (body: string) =>
    fetch("/api/v1/auth/login", { method: "POST", body, headers: { "content-type": "application/json" } });
  const deep = await post(`${'{"a":'.repeat(33)}1${"}".repeat(33)}`);
  expect([deep.status, await deep.text()]).toEqual([400, expect.stringContaining("nested too deep")]);
  const shallow = await post(`${'{"a":'.repeat(32)}1${"}".repeat(32)}`);
  expect([shallow.status, await shallow.text()]).toEqual([400, expect.not.stringContaining("nested too deep")]);
  expect((await post("{")).status).toBe(400);
  expect((await post("")).status).toBe(400);
});

test("createControlApp: HEAD of a stream is refused: nothing is made to be counted", async () => {
  const { fetch } = await startControl();
  const heads = async () => (await fetch("/api/v1/audit/head", { as: administrator })).text();
  const before = await heads();
  for (const path of ["/api/v1/live", "/api/v1/audit/export?format=csv", "/api/v1/audit/data-events"])
    expect([path, (await fetch(path, { method: "HEAD", as: administrator })).status]).toEqual([path, 405]);
  expect(await heads()).toBe(before);
  expect((await fetch("/api/v1/access-keys", { method: "HEAD", as: administrator })).status).toBe(200);
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

test("LogInGuard: guessing is delayed with 429, told in the log without secrets, and counted", async () => {
  const { fetch, lines } = await startControl();
  const guess = { accessKeyId: administrator.accessKeyId, secretKey: "a-wrong-guess-of-mine" };
  const statuses: number[] = [];
  for (let i = 0; i < 7; i++) statuses.push((await fetch("/api/v1/access-keys", { as: guess })).status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429]);
  const delayed = await fetch("/api/v1/access-keys", { as: administrator });
  expect([delayed.status, delayed.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(await delayed.json()).toMatchObject({ code: "TooManyRequests" });
  const refused = lines.filter((line) => line.includes("was refused"));
  expect(refused).toHaveLength(6);
  expect(refused[5]).toContain(`"address":"127.0.0.1","accessKeyId":"${administrator.accessKeyId}","waitSeconds":1`);
  expect(lines.join()).not.toContain(guess.secretKey);
  const metrics = await (await fetch("/metrics")).text();
  expect(metrics).toContain('maxiofs_auth_failures_total{method="basic",reason="credentials"} 6');
  expect(metrics).toContain('maxiofs_auth_failures_total{method="basic",reason="delayed"} 2');
  expect(metrics).toContain('maxiofs_auth_attempts_total{method="basic",status="failure"} 8');
});

test("LogInGuard: a known administrator does not wait for failures in the same name elsewhere; unknown names are not logged", () => {
  const time = { ms: 0 };
  const clock = { nowMs: () => time.ms, monotonicMs: () => time.ms };
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", clock, output: (line) => void lines.push(line) });
  const key = [{ ...testKey, accessKeyId: "AKIAADMIN", secretKey: "right" }];
  const entries = new SnapshotPublisher({
    entries: entriesWith({ user: [{ ...testUser, global: true }], key }),
    settings: testDataSettings,
    endSilentWorker: () => Promise.resolve(),
  });
  const guard = new LogInGuard({ entries, clock, log, keyUses: { note: () => {} } });
  const attempt = (peerAddress: string, user: string, secret: string) => {
    const headers = { authorization: `Basic ${btoa(`${user}:${secret}`)}` };
    const request = new Request("http://localhost/", { headers });
    setRequestContext(request, { requestId: "", peerAddress });
    return guard.authenticate(request);
  };
  attempt("10.0.0.1", "AKIAADMIN", "right");
  for (let i = 0; i < 6; i++) expect(() => attempt(`10.0.1.${i}`, "AKIAADMIN", "wrong")).toThrow("are wanted");
  expect(() => attempt("10.0.0.2", "AKIAADMIN", "right")).toThrow(TooManyRequestsError);
  attempt("10.0.0.1", "AKIAADMIN", "right");
  for (let i = 0; i < 21; i++) expect(() => attempt("2001:db8::1", `secret-${i}`, "x")).toThrow("are wanted");
  expect(() => attempt("2001:db8::2", "AKIAADMIN", "right")).toThrow(TooManyRequestsError);
  time.ms = 1000;
  attempt("2001:db8::2", "AKIAADMIN", "right");
  expect(lines.join()).not.toContain("secret-");
  expect(guard.counts).toEqual({ succeeded: 3, refused: 27, delayed: 2 });
});

test("LogInGuard: behind one address a success forgets the user's own failures there, not those of others", () => {
  const time = { ms: 0 };
  const clock = { nowMs: () => time.ms, monotonicMs: () => time.ms };
  const log = createLog({ level: "info", format: "json", clock, output: () => {} });
  const key = ["AKIAFIRST", "AKIASECOND"].map((accessKeyId) => ({ ...testKey, accessKeyId, secretKey: "right" }));
  const entries = new SnapshotPublisher({
    entries: entriesWith({ user: [{ ...testUser, global: true }], key }),
    settings: testDataSettings,
    endSilentWorker: () => Promise.resolve(),
  });
  const guard = new LogInGuard({ entries, clock, log, keyUses: { note: () => {} } });
  const attempt = (user: string, secret: string) => {
    const headers = { authorization: `Basic ${btoa(`${user}:${secret}`)}` };
    const request = new Request("http://localhost/", { headers });
    setRequestContext(request, { requestId: "", peerAddress: "10.0.0.1" });
    return guard.authenticate(request);
  };
  const fail = (user: string, times: number) => {
    for (let index = 0; index < times; index++) expect(() => attempt(user, "wrong")).toThrow("are wanted");
  };
  for (let index = 0; index < 18; index++) fail(`AKIASTRANGER${index}`, 1);
  fail("AKIAFIRST", 2);
  attempt("AKIAFIRST", "right");
  // 18 failures of strangers are left: two more are free, the third brings a delay for who was never here.
  fail("AKIASTRANGER", 3);
  expect(() => attempt("AKIASECOND", "right")).toThrow(TooManyRequestsError);
  // Not for who was; and the own failures of who was are free as often as an address's.
  attempt("AKIAFIRST", "right");
  fail("AKIAFIRST", 21);
  expect(() => attempt("AKIAFIRST", "right")).toThrow(TooManyRequestsError);
  time.ms = 1000;
  attempt("AKIAFIRST", "right");
  // With the 21 failures of the other one the address would wait for longer.
  attempt("AKIASECOND", "right");
});

test("answerS3Request: S3 clients at this port are told where S3 is, in their own words", async () => {
  const { fetch } = await startControl();
  const signed = { authorization: "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request" };
  for (const [path, headers] of [
    ["/", signed],
    ["/metrics", signed],
    ["/photos/a%2Fb?list-type=2", { authorization: "AWS AKIA:signature" }],
    ["/photos/a?X-Amz-Signature=x", {}],
    ["/photos/a?AWSAccessKeyId=x", {}],
    ["/photos", { "user-agent": "aws-cli/2.15" }],
    ["/", { "user-agent": "Boto3/1.28 Botocore/1.31" }],
    ["/photos", { "user-agent": "MinIO (linux; amd64) minio-go/v7" }],
  ] as const) {
    const response = await fetch(path, { headers });
    expect([path, response.status, response.headers.get("content-type")]).toEqual([path, 400, "application/xml"]);
    const text = await response.text();
    expect(text).toContain("<Code>InvalidRequest</Code>");
    expect(text).toContain("S3 is served at port 9000");
  }
  expect(await (await fetch("/", { method: "HEAD", headers: signed })).text()).toBe("");
  const agent = { "user-agent": "aws-sdk-go/1" };
  expect((await fetch("/health", { headers: agent })).status).toBe(200);
  expect((await fetch("/photos", { headers: { "user-agent": "Mozilla/5.0" } })).status).toBe(401);
});

test("metricsRoutes: a foreign host is refused, an administrator may ask from anywhere", async () => {
  const { fetch } = await startControl({ settings: { "server.s3_domains": ["s3.example.com"] } });
  const ask = async (headers: Record<string, string>, as?: typeof administrator) =>
    (await fetch("/metrics", { headers, ...(as && { as }) })).status;
  expect(await ask({ host: "evil.example:9001" })).toBe(403);
  expect(await ask({ host: "s3.example.com:9001" })).toBe(200);
  expect(await ask({ host: "maxiofs:9001" })).toBe(200);
  expect(await ask({ host: "evil.example", "x-forwarded-for": "1.2.3.4" }, administrator)).toBe(200);
  expect(await ask({}, { ...administrator, secretKey: "a-wrong-guess-of-mine" })).toBe(401);
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
    "audit ok",
    "buckets ok",
    "root.key ok",
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
