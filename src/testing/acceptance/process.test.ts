import { afterAll, expect, test } from "bun:test";
import { type ServerProcess, startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const started: ServerProcess[] = [];
afterAll(async () => {
  for (const server of started) await server.remove();
});

async function start(options: Parameters<typeof startServer>[0] = {}): Promise<ServerProcess> {
  const server = await startServer(options);
  started.push(server);
  return server;
}

test("serve: keeps everything over a stop, a kill and a change of the number of workers", async () => {
  const server = await start();
  const s3 = clientOf(server);
  const bucket = await s3.createBucket("kept");
  const bodies = [seededBytes(100, 1), seededBytes(1_000_000, 2)];
  for (const [index, body] of bodies.entries()) await bucket.put(`k${index}`, body);
  const user = await server.createKey("user", [{ actions: ["s3:GetObject"], resources: ["*"] }]);
  for (const end of [() => server.stop(), () => server.kill9()]) {
    const code = await end();
    expect([0, undefined]).toContain(code ?? undefined);
    s3.close();
    await server.start();
    for (const [index, body] of bodies.entries()) {
      const got = await bucket.send(`k${index}`, { method: "GET", credentials: user });
      expect([got.status, got.body.equals(body)]).toEqual([200, true]);
    }
  }
  s3.close();
}, 30_000);

test("serve: a stop lets a running upload end", async () => {
  const server = await start();
  const s3 = clientOf(server);
  const bucket = await s3.createBucket("drained");
  const body = seededBytes(8 * 1024 * 1024, 3);
  const { openConnection } = await import("./raw-connection.ts");
  const prepared = s3.prepare({ method: "PUT", target: bucket.target("k"), body });
  const connection = await openConnection({ port: s3.port });
  await connection.write(prepared.head);
  await connection.write(body.subarray(0, 1_000_000));
  const stopped = server.stop();
  await Bun.sleep(200);
  await connection.write(body.subarray(1_000_000));
  expect((await connection.readResponse("PUT")).status).toBe(200);
  connection.destroy();
  expect(await stopped).toBe(0);
  s3.close();
  await server.start();
  expect((await bucket.get("k")).body.equals(body)).toBe(true);
  s3.close();
}, 30_000);

test("serve: a second server on the same data folder says so and ends, the first lives on", async () => {
  const server = await start();
  const second = await server.runVerb("serve", ["--s3-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"]);
  expect(second.code).toBe(73);
  expect(second.output).toContain(server.dataDir);
  const s3 = clientOf(server);
  expect((await s3.send({ method: "GET", target: "/" })).status).toBe(200);
  s3.close();
}, 20_000);

test("serve: makes the first credentials itself, shows them once, and they work", async () => {
  const server = await start({ env: { MAXIOFS_ADMIN_ACCESS_KEY: undefined, MAXIOFS_ADMIN_SECRET_KEY: undefined } });
  // Ready is when one worker answers, the credentials are shown when all do.
  while (!server.output().includes("secret key")) await Bun.sleep(10);
  const shown = server.output();
  const accessKeyId = /AKIA[A-Z2-7]{16}/.exec(shown)?.[0] ?? "";
  const candidates = shown.match(/[A-Za-z0-9+/]{40}/g) ?? [];
  const answers = await Promise.all(candidates.map((secretKey) => listBuckets(server, { accessKeyId, secretKey })));
  expect(answers).toContain(200);
  await server.stop();
  await server.start();
  expect(server.output().split(accessKeyId).length).toBe(shown.split(accessKeyId).length);
}, 30_000);

test("serve: a wrong flag, value or variable is refused with its name and what is allowed", async () => {
  const server = await start();
  const cases = [
    [["--workers", "0"], "--workers"],
    [["--s3-listen", "nonsense"], "--s3-listen"],
    [["--no-such-flag", "1"], "--no-such-flag"],
  ] as const;
  for (const [args, name] of cases) {
    const answer = await server.runVerb("serve", args);
    expect([name, answer.code, answer.output.includes(name)]).toEqual([name, 78, true]);
  }
}, 20_000);

test("health and metrics: live, ready with its checks, metrics that count requests", async () => {
  const server = await start();
  const base = `http://127.0.0.1:${server.consolePort}`;
  expect((await fetch(`${base}/health/live`)).status).toBe(200);
  const ready = await fetch(`${base}/health/ready`);
  expect([ready.status, (await ready.text()).includes("checks")]).toEqual([200, true]);
  const s3 = clientOf(server);
  await s3.createBucket("counted");
  const metrics = await (await fetch(`${base}/metrics`)).text();
  expect(metrics).toMatch(/CreateBucket[^\n]* [1-9]/);
  expect(metrics).not.toContain(server.credentials.secretKey);
  expect(metrics).toMatch(/^maxiofs_system_disk_total_bytes [1-9]/m);
  expect(metrics).toMatch(/^maxiofs_system_disk_free_bytes \d/m);
  expect(metrics).toMatch(/^maxiofs_system_disk_reserve_bytes [1-9]/m);
  expect(metrics).toMatch(/^maxiofs_system_disk_writes_refused [01]$/m);
  s3.close();
});

test("check: a sound data folder has no problems", async () => {
  const server = await start();
  const s3 = clientOf(server);
  const bucket = await s3.createBucket("checked");
  await bucket.put("inline", "x");
  await bucket.put("large", seededBytes(1_000_000, 1));
  s3.close();
  await server.stop();
  const answer = await server.runVerb("check");
  expect([answer.code, answer.output]).toEqual([0, answer.output]);
}, 20_000);

async function listBuckets(server: ServerProcess, credentials: ServerProcess["credentials"]): Promise<number> {
  const s3 = clientOf(server, credentials);
  const { status } = await s3.send({ method: "GET", target: "/" });
  s3.close();
  return status;
}
