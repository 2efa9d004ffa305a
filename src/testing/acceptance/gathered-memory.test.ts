import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { openConnection } from "./raw-connection.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer({ workers: 1 });
const s3 = clientOf(server);
const bucket = await s3.createBucket("gathered");
afterAll(async () => {
  s3.close();
  await server.remove();
});

test("gathered memory: documents that never end are cut when a small object finds no room", async () => {
  // Ten of these are more than the 64 MiB of a worker.
  const document = Buffer.alloc(7 * 2 ** 20, "<Delete>");
  const slow = s3.prepare({
    method: "POST",
    target: "/gathered?delete",
    headers: { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" },
    body: document,
  });
  const connections = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const connection = await openConnection({ port: server.s3Port });
      await connection.write(slow.head);
      await connection.write(document.subarray(0, -100));
      return connection;
    }),
  );
  const drip = setInterval(() => {
    for (const connection of connections) if (!connection.ended) void connection.write("x");
  }, 1_000);
  try {
    await Bun.sleep(1_000);
    const body = seededBytes(4_096, 1);
    expect((await bucket.put("small", body)).status).toBe(200);
    expect((await bucket.get("small")).body.equals(body)).toBe(true);
    expect(connections.filter(({ ended }) => ended).length).toBeGreaterThan(0);
  } finally {
    clearInterval(drip);
    for (const connection of connections) connection.destroy();
  }
}, 40_000);
