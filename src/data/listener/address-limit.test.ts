import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { openConnection, type RawConnection } from "#testing/acceptance/raw-connection.ts";
import { startPoolServer } from "#testing/pool-server.ts";
import { AddressLimit, addressShare } from "./address-limit.ts";

let limit = 2;
let refusedCount = 0;
const addresses = new AddressLimit({
  limit: () => limit,
  nextRequestId: () => "0123456789ABCDEF",
  onRefused: () => {
    refusedCount += 1;
  },
});
const server = createServer((_, response) => response.end("served"));
addresses.watch(server);

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** A client that asks once and keeps its connection. @returns what it is answered */
async function ask(localAddress = "127.0.0.1"): Promise<{ socket: Socket; answer: string }> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const answer = await new Promise<string>((resolve) =>
    socket.once("data", (data) => resolve(data.toString("latin1"))),
  );
  return { socket, answer };
}

test("AddressLimit: one more than the limit is answered SlowDown and closed; a closed one makes room", async () => {
  const first = await ask();
  const second = await ask();
  expect([first.answer, second.answer].every((answer) => answer.endsWith("served"))).toBe(true);
  const third = await ask();
  expect(third.answer).toStartWith("HTTP/1.1 503 Service Unavailable\r\n");
  expect(third.answer).toContain("<Code>SlowDown</Code>");
  expect(third.answer).toContain("x-amz-request-id: 0123456789ABCDEF\r\n");
  while (!third.socket.closed) await Bun.sleep(10);
  expect(refusedCount).toBe(1);
  first.socket.destroy();
  let again = await ask();
  // The server may hear of the closed connection after the new one.
  for (; !again.answer.endsWith("served"); again = await ask()) await Bun.sleep(20);
  limit = 0;
  const unlimited = await Promise.all(Array.from({ length: 5 }, () => ask()));
  expect(unlimited.every(({ answer }) => answer.endsWith("served"))).toBe(true);
  for (const { socket } of [second, again, ...unlimited]) socket.destroy();
  while (addresses.networkCount > 0) await Bun.sleep(10);
  expect(addresses.networkCount).toBe(0);
});

test("AddressLimit: addresses do not share", async () => {
  limit = 1;
  const [one, other] = [await ask(), await ask("127.0.0.2")];
  expect([one.answer, other.answer].map((answer) => answer.endsWith("served"))).toEqual([true, true]);
  for (const { socket } of [one, other]) socket.destroy();
});

test("addressShare: what the workers take together is not less than the whole, and none is none", () => {
  expect([addressShare(0, 4), addressShare(1, 4), addressShare(4096, 2), addressShare(10, 3)]).toEqual([0, 1, 2048, 4]);
});

test("server.max_connections_per_address: a worker obeys it", async () => {
  const pool = await startPoolServer({ buckets: {}, settings: { "server.max_connections_per_address": 3 } });
  const connections: RawConnection[] = [];
  const statuses: number[] = [];
  for (let index = 0; index < 4; index++) {
    const connection = await openConnection({ port: pool.s3.port });
    connections.push(connection);
    await connection.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    statuses.push((await connection.readResponse("GET")).status);
  }
  expect(statuses).toEqual([403, 403, 403, 503]);
  for (const connection of connections) connection.destroy();
  await pool.remove();
});
