import { afterAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { startServer } from "../server-process.ts";
import { openConnection, type RawConnection } from "./raw-connection.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes, seededRandom } from "./test-data.ts";

const server = await startServer({ env: { MAXIOFS_S3_IDLE_TIMEOUT: "5" } });
const s3 = clientOf(server);
const bucket = await s3.createBucket("connections");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const countFiles = () => readdirSync(`/proc/${server.pid}/fd`).length;

async function readMemoryKiB(): Promise<number> {
  const status = await Bun.file(`/proc/${server.pid}/status`).text();
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}

test("10,000 connections with garbage, half heads, half bodies and unread answers leave nothing behind", async () => {
  await bucket.put("big", seededBytes(4 * 1024 * 1024, 1));
  const [filesBefore, memoryBefore] = [countFiles(), await readMemoryKiB()];
  const put = s3.prepare({ method: "PUT", target: bucket.target("half"), body: seededBytes(500_000, 2) });
  const get = s3.prepare({ method: "GET", target: bucket.target("big") });
  const random = seededRandom(1);
  const phases: ((connection: RawConnection) => Promise<void>)[] = [
    async () => {},
    (connection) => connection.write("garbage\0\r\n\r\n"),
    (connection) => connection.write(put.head.slice(0, 50)),
    (connection) => connection.write(put.head),
    async (connection) => {
      await connection.write(put.head);
      await connection.write(put.body.subarray(0, Math.floor(random() * put.body.length)));
    },
    (connection) => connection.write(get.head),
  ];
  for (let batch = 0; batch < 100; batch++) {
    const connections = await Promise.all(Array.from({ length: 100 }, () => openConnection({ port: s3.port })));
    await Promise.all(connections.map((connection, index) => phases[index % phases.length]?.(connection)));
    await Bun.sleep(random() * 20);
    for (const connection of connections) connection.destroy();
  }
  for (let waited = 0; waited < 90 && countFiles() >= filesBefore + 20; waited++) await Bun.sleep(1000);
  expect((await bucket.head("half")).status).toBe(404);
  expect(countFiles()).toBeLessThan(filesBefore + 20);
  expect(await readMemoryKiB()).toBeLessThan(memoryBefore + 200 * 1024);
}, 300_000);
