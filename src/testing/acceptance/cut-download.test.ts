import { afterAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer({ workers: 1, env: { MAXIOFS_LOGGING_ACCESS_ENABLED: "true" } });
const s3 = clientOf(server);
const bucket = await s3.createBucket("downloads");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const MiB = 2 ** 20;
const objectBytes = 64 * MiB;
const readBytes = 2 * MiB;
/** What the system's buffers on both sides, the engine and the server take beyond what a client has read. */
const bufferBytes = 24 * MiB;

/** `bytesOut` of the finished GETs, in their order. */
async function readBytesOut(count: number): Promise<readonly number[]> {
  const lines = () =>
    server
      .output()
      .split("\n")
      .filter((line) => line.includes('"operation":"GetObject"'));
  for (let wait = 0; wait < 500 && lines().length < count; wait++) await Bun.sleep(20);
  return lines().map((line) => JSON.parse(line).bytesOut);
}

/** Reads the beginning of an answer, waits until the server has filled every buffer, and goes. */
async function cutAfter(head: string, wantedBytes: number): Promise<number> {
  const socket = connect(s3.port, "127.0.0.1");
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("connect", () => socket.write(head, "latin1"));
    socket.on("data", (piece) => {
      received += piece.length;
      if (received < wantedBytes) return;
      socket.pause();
      resolve();
    });
  });
  await Bun.sleep(500);
  socket.destroy();
  return received;
}

test("bytesOut: of a download that the client cuts, what was written until then; of a whole one, all", async () => {
  await bucket.put("large", seededBytes(objectBytes, 1));
  expect((await bucket.get("large")).body.length).toBe(objectBytes);
  expect(await readBytesOut(1)).toEqual([objectBytes]);
  const { head } = s3.prepare({ method: "GET", target: bucket.target("large") });
  const received = await cutAfter(head, readBytes);
  const [, bytesOut = 0] = await readBytesOut(2);
  // The head of the answer is received too, and is no part of the body.
  expect(bytesOut).toBeGreaterThan(received - 4096);
  expect(bytesOut).toBeLessThan(received + bufferBytes);
}, 60_000);
