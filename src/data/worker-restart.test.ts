import { afterEach, expect, test } from "bun:test";
import { RawConnection } from "#testing/acceptance/raw-connection.ts";
import { type PoolServer, startPoolServer } from "#testing/pool-server.ts";

let running: PoolServer | undefined;
afterEach(async () => {
  await running?.remove();
  running = undefined;
});

const mib = 2 ** 20;

const ends = {
  "fails by a bug": async (server: PoolServer) => server.breakWorker(),
  "is ended by the pool": (server: PoolServer) => server.endWorker(),
};

/** What a connection was doing when its worker died. */
const states: Readonly<Record<string, (server: PoolServer, connection: RawConnection) => Promise<void>>> = {
  "waits for a next request": async (server, connection) => {
    await connection.write(server.s3.prepare({ method: "GET", target: "/bucket/none" }).head);
    expect(await connection.readResponse("GET")).toMatchObject({ status: 404, keepAlive: true });
  },
  "is in the middle of an upload": async (server, connection) => {
    const body = new Uint8Array(2 * mib);
    await connection.write(server.s3.prepare({ method: "PUT", target: "/bucket/cut", body }).head);
    await connection.write(body.subarray(mib));
  },
  "is in the middle of a download": async (server, connection) => {
    connection.pause();
    await connection.write(server.s3.prepare({ method: "GET", target: "/bucket/large" }).head);
  },
};

for (const [end, endWorker] of Object.entries(ends)) {
  for (const [state, bringTo] of Object.entries(states)) {
    test(`worker that ${end}: a connection that ${state} is closed, and the next one is served`, async () => {
      const server = await startPoolServer({ buckets: { bucket: "never" } });
      running = server;
      const stored = new Uint8Array(32 * mib).fill(7);
      expect((await server.bucket("bucket").put("large", stored)).status).toBe(200);
      const connection = new RawConnection();
      await connection.open({ port: server.s3.port });
      await bringTo(server, connection);
      await endWorker(server);
      connection.resume();
      // Fails when the connection stays open.
      await connection.waitForEnd(20_000);
      connection.destroy();
      while (server.restartCount() === 0) await Bun.sleep(20);
      const ask = (key: string) => server.bucket("bucket").head(key);
      for (;;) {
        // Until the next worker listens, connections are refused.
        const answer = await ask("large").catch(() => undefined);
        if (answer?.status === 200) break;
        await Bun.sleep(20);
      }
      expect((await ask("cut")).status).toBe(404);
      expect((await server.bucket("bucket").get("large")).body).toEqual(Buffer.from(stored));
      expect(await server.stopAndCheck()).toEqual([]);
    }, 60_000);
  }
}

test("worker that dies: a client that keeps its connection goes on over a new one", async () => {
  const server = await startPoolServer({ buckets: { bucket: "never" }, workerCount: 2 });
  running = server;
  const bucket = server.bucket("bucket");
  for (let round = 0; round < 3; round++) {
    expect((await bucket.put(`key-${round}`, "body")).status).toBe(200);
    server.breakWorker();
    for (;;) {
      const answer = await bucket.get(`key-${round}`).catch(() => undefined);
      if (answer?.status === 200) break;
      await Bun.sleep(20);
    }
  }
}, 60_000);
