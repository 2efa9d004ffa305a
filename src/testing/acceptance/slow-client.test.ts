import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { isConnectionLoss, openConnection, type RawConnection } from "./raw-connection.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer({ env: { MAXIOFS_S3_IDLE_TIMEOUT: "2" } });
const s3 = clientOf(server);
const bucket = await s3.createBucket("slow");
afterAll(async () => {
  s3.close();
  await server.remove();
});

test("deadline: a client that stops in the middle of a body is cut off and nothing is stored", async () => {
  const prepared = s3.prepare({ method: "PUT", target: bucket.target("stopped"), body: seededBytes(300_000, 1) });
  const connection = await openConnection({ port: s3.port });
  await connection.write(prepared.head);
  await connection.write(prepared.body.subarray(0, 1000));
  await connection.waitForEnd(10_000);
  expect((await bucket.head("stopped")).status).toBe(404);
}, 20_000);

test("deadline: a client that stops in the middle of a head is cut off", async () => {
  const connection = await openConnection({ port: s3.port });
  await connection.write("GET /slow/key HTTP/1.1\r\nhost: x\r\n");
  await connection.waitForEnd(10_000);
}, 20_000);

test("deadline: a client that sends slowly but steadily is served, however long it takes", async () => {
  const body = seededBytes(6000, 2);
  const prepared = s3.prepare({ method: "PUT", target: bucket.target("steady"), body });
  const connection = await openConnection({ port: s3.port });
  await connection.write(prepared.head);
  for (let offset = 0; offset < body.length; offset += 1000) {
    await Bun.sleep(900);
    await connection.write(body.subarray(offset, offset + 1000));
  }
  expect((await connection.readResponse("PUT")).status).toBe(200);
  connection.destroy();
  expect((await bucket.get("steady")).body.equals(body)).toBe(true);
}, 20_000);

test("deadline: a body nobody waits for, dripped after the answer, ends with it", async () => {
  const dripped = { "content-length": "1000" };
  const heads = [
    s3.prepare({ method: "GET", target: bucket.target("absent"), headers: dripped }).head,
    s3.prepare({ method: "HEAD", target: "/slow", headers: dripped }).head,
    s3.prepare({ method: "PUT", target: bucket.target("key"), headers: dripped, credentials: null }).head,
    s3.prepare({ method: "GET", target: "/slow", headers: { "transfer-encoding": "chunked" } }).head,
  ];
  await Promise.all(
    heads.map(async (head) => {
      const connection = await openConnection({ port: s3.port });
      await connection.write(head);
      for (let piece = 0; piece < 20 && !connection.ended; piece++) {
        await connection.write(head.includes("chunked") ? "1\r\nx\r\n" : "x");
        await Bun.sleep(300);
      }
      expect([head.slice(0, 40), connection.ended]).toEqual([head.slice(0, 40), true]);
    }),
  );
}, 20_000);

test("deadline: 50 stalled downloads of 20 MiB cost connections, not memory", async () => {
  const body = seededBytes(20 * 1024 * 1024, 3);
  await bucket.put("big", body);
  const before = await readMemoryKiB();
  const prepared = s3.prepare({ method: "GET", target: bucket.target("big") });
  const stalled = await Promise.all(Array.from({ length: 50 }, () => openStalled(prepared.head)));
  await Bun.sleep(1000);
  const grown = (await readMemoryKiB()) - before;
  for (const socket of stalled) socket.destroy();
  expect(grown).toBeLessThan(250 * 1024);
  expect((await bucket.get("big")).body.equals(body)).toBe(true);
}, 30_000);

test("pipelining: requests sent ahead are answered in order, too many of them close the connection", async () => {
  const count = 10;
  for (let index = 0; index < count; index++) await bucket.put(`ahead-${index}`, `body ${index}`);
  const heads = (length: number) =>
    Array.from({ length }, (_, index) => {
      return s3.prepare({ method: "GET", target: bucket.target(`ahead-${index % count}`) }).head;
    }).join("");
  const connection = await openConnection({ port: s3.port });
  await connection.write(heads(count));
  for (let index = 0; index < count; index++)
    expect((await connection.readResponse("GET")).body.toString()).toBe(`body ${index}`);
  connection.destroy();
  const greedy = await openConnection({ port: s3.port });
  greedy.pause();
  const big = s3.prepare({ method: "GET", target: bucket.target("big") }).head;
  await bucket.put("big", seededBytes(20 * 1024 * 1024, 3));
  void greedy.write(big);
  await Bun.sleep(200);
  void greedy.write(heads(100));
  await Bun.sleep(200);
  greedy.resume();
  expect(await greedy.readResponse("GET").catch(isConnectionLoss)).toBe(true);
}, 20_000);

test("slow transfers: more than there are buffers do not keep another client's waiting", async () => {
  const slowCount = 340;
  const crowded = await startServer({ workers: 1 });
  const client = clientOf(crowded);
  const place = await client.createBucket("crowded");
  const body = seededBytes(8 * 1024 * 1024, 4);
  const slow = client.prepare({ method: "PUT", target: place.target("slow"), body });
  const connections = await Promise.all(
    Array.from({ length: slowCount }, async () => {
      const connection = await openConnection({ port: crowded.s3Port });
      void connection.write(slow.head);
      void connection.write(body.subarray(0, 100_000));
      return connection;
    }),
  );
  let offset = 100_000;
  const drip = setInterval(() => {
    for (const connection of connections)
      if (!connection.ended) void connection.write(body.subarray(offset, offset + 1));
    offset += 1;
  }, 500);
  try {
    const quick = client.prepare({ method: "PUT", target: place.target("quick"), body });
    const connection = await openConnection({ port: crowded.s3Port });
    void connection.write(quick.head);
    void connection.write(body);
    expect((await connection.readResponse("PUT", 45_000)).status).toBe(200);
    connection.destroy();
    expect((await place.get("quick")).body.equals(body)).toBe(true);
    expect(connections.filter(({ ended }) => !ended).length).toBeGreaterThan(slowCount / 2);
  } finally {
    clearInterval(drip);
    for (const connection of connections) connection.destroy();
    client.close();
    await crowded.remove();
  }
}, 60_000);

async function readMemoryKiB(): Promise<number> {
  const status = await Bun.file(`/proc/${server.pid}/status`).text();
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}

/** Sends a request and never reads the answer. */
async function openStalled(head: string): Promise<RawConnection> {
  const connection = await openConnection({ port: s3.port });
  connection.pause();
  void connection.write(head);
  return connection;
}
