import { afterEach, expect, test } from "bun:test";
import type { TenantLimits } from "#kernel/protocol/identities.ts";
import { openConnection, type RawConnection } from "#testing/acceptance/raw-connection.ts";
import { S3Client } from "#testing/acceptance/s3-client.ts";
import { testTenant } from "#testing/identities.ts";
import { type PoolServer, type PoolServerOptions, startPoolServer } from "#testing/pool-server.ts";

const everything = [{ actions: ["*"], resources: ["*"] }];
const mib = 2 ** 20;

let server: PoolServer | undefined;
const opened: RawConnection[] = [];
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.destroy();
  await server?.remove();
});

async function start(options: Partial<PoolServerOptions>): Promise<PoolServer> {
  server = await startPoolServer({
    buckets: { bucket: "never" },
    keys: { AKIALIMITED: everything, AKIAFREE: everything },
    workerCount: 2,
    ...options,
  });
  return server;
}

/** A HEAD of the bucket on a connection of its own, so that the kernel spreads them over the workers. */
async function ask(running: PoolServer, accessKeyId: string) {
  const client = new S3Client(running.s3.port, { accessKeyId, secretKey: `secret-${accessKeyId}` });
  const { head } = client.prepare({ method: "HEAD", target: "/bucket" });
  const connection = await openConnection({ port: running.s3.port });
  opened.push(connection);
  await connection.write(head);
  return { ...(await connection.readResponse("HEAD")), connection };
}

test("limits: requests of a key beyond its rate are answered SlowDown with Retry-After, in both workers together", async () => {
  const running = await start({ keyLimits: { AKIALIMITED: { requestsPerSecond: 8 } } });
  const startedMs = performance.now();
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask(running, "AKIALIMITED")));
  const passed = answers.filter(({ status }) => status === 200).length;
  // What time gives back while the test runs is no fault.
  const mayPass = 8 + Math.ceil(((performance.now() - startedMs) / 1_000) * 8);
  expect(passed).toBeGreaterThanOrEqual(8);
  expect(passed).toBeLessThanOrEqual(mayPass);
  const refused = answers.filter(({ status }) => status !== 200);
  for (const { status, headers } of refused) expect([status, headers["retry-after"]]).toEqual([503, "1"]);
  const free = await Promise.all(Array.from({ length: 20 }, () => ask(running, "AKIAFREE")));
  expect(free.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
});

test("limits: a tenant's rate counts all of its keys, and its bucket's anonymous callers", async () => {
  const running = await start({ limits: { requestsPerSecond: 0 } });
  for (const key of ["AKIALIMITED", "AKIAFREE"]) expect((await ask(running, key)).status).toBe(503);
  const body = await running.s3.send({ method: "GET", target: "/bucket/key", credentials: null });
  expect(body).toMatchObject({ status: 503, code: "SlowDown" });
});

test("limits: a change of them holds from the next request on", async () => {
  const running = await start({});
  const publish = (limits: TenantLimits) =>
    running.publish([{ kind: "tenant", id: testTenant.tenantId, value: { ...testTenant, limits } }]);
  expect((await ask(running, "AKIAFREE")).status).toBe(200);
  for (const [limits, wanted] of [
    [{ requestsPerSecond: 0 }, 503],
    [{ bytesPerSecond: 0 }, 503],
    [{ maxConnections: 0 }, 503],
    [{ requestsPerSecond: null }, 200],
  ] as const) {
    publish(limits);
    // Each worker takes it over on its own.
    for (let same = 0; same < 8; ) same = (await ask(running, "AKIAFREE")).status === wanted ? same + 1 : 0;
  }
});

test("limits: connections of a key are bounded over both workers; a closed one makes room", async () => {
  const running = await start({ keyLimits: { AKIALIMITED: { maxConnections: 6 } } });
  const answers = [];
  for (let n = 0; n < 12; n++) answers.push(await ask(running, "AKIALIMITED"));
  expect(answers.map(({ status }) => status)).toEqual([...Array(6).fill(200), ...Array(6).fill(503)]);
  for (const { headers } of answers.slice(6)) expect(headers["connection"]).toBe("close");
  const [first] = answers;
  await first?.connection.write(
    new S3Client(running.s3.port, { accessKeyId: "AKIALIMITED", secretKey: "secret-AKIALIMITED" }).prepare({
      method: "HEAD",
      target: "/bucket",
    }).head,
  );
  expect((await first?.connection.readResponse("HEAD"))?.status).toBe(200);
  first?.connection.destroy();
  for (;;) {
    const { status } = await ask(running, "AKIALIMITED");
    if (status === 200) break;
    await Bun.sleep(20);
  }
});

test("limits: a worker that dies leaves no connection behind", async () => {
  const running = await start({ workerCount: 1, keyLimits: { AKIALIMITED: { maxConnections: 2 } } });
  for (const wanted of [200, 200, 503]) expect((await ask(running, "AKIALIMITED")).status).toBe(wanted);
  running.breakWorker();
  while (running.restartCount() === 0) await Bun.sleep(20);
  for (;;) {
    const answer = await ask(running, "AKIALIMITED").catch(() => undefined);
    if (answer?.status === 200) break;
    await Bun.sleep(20);
  }
  for (const wanted of [200, 503]) expect((await ask(running, "AKIALIMITED")).status).toBe(wanted);
});

test("limits: bytes are slowed down, to and from the client, and nobody else's", async () => {
  const bytesPerSecond = 4_096;
  const running = await start({ keyLimits: { AKIALIMITED: { bytesPerSecond } } });
  const body = new Uint8Array(32 * mib).fill(7);
  const [slow, free] = ["AKIALIMITED", "AKIAFREE"].map((key) => running.bucket("bucket", key));
  if (!slow || !free) throw new Error("No clients");
  expect((await free.put("stored", body)).status).toBe(200);
  const isOver = { upload: false, download: false };
  void slow.put("slow", body).then(
    () => {
      isOver.upload = true;
    },
    () => {},
  );
  void slow.get("stored").then(
    () => {
      isOver.download = true;
    },
    () => {},
  );
  for (let n = 0; n < 3; n++) {
    expect((await free.put(`free-${n}`, body)).status).toBe(200);
    expect((await free.get("stored")).body.length).toBe(body.length);
  }
  // At its rate each of them takes more than two hours.
  expect(isOver).toEqual({ upload: false, download: false });
  expect((await free.get("slow")).status).toBe(404);
}, 60_000);
