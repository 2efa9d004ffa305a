import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { systemClock } from "#kernel/base/clock.ts";
import { ProgressDeadline } from "./progress-deadline.ts";
import { limitedServerOptions, limitServer } from "./server-limits.ts";

const server = createServer(limitedServerOptions(60), (request, response) => {
  request.on("error", () => {});
  request.gatheredBytes = Number(/^\/gather\/(\d+)/.exec(request.url ?? "")?.[1] ?? 0);
  // Nothing is asked of this client: it waits for us.
  if (request.url === "/paused") request.pause();
  else if (request.url === "/paced") {
    // It waits for us as well, but because of its own rate.
    request.isPaced = true;
    request.pause();
  } else request.resume().on("end", () => response.end("read"));
});
const nextRequestId = () => "0123456789ABCDEF";
let waitingCount = 0;
let servedCount = 0;
let gatherWaitingCount = 0;
let gatherServedCount = 0;
const cuts: number[] = [];
// Twenty times as fast as time, so that a window of five seconds is over in a tick.
const deadline = new ProgressDeadline({
  idleTimeoutSeconds: 1_000_000,
  monotonicMs: () => systemClock.monotonicMs() * 20,
  nextRequestId,
  bufferLine: () => ({ waitingCount, servedCount }),
  gatherLine: () => ({ waitingCount: gatherWaitingCount, servedCount: gatherServedCount }),
  onSlowCut: (cutCount) => {
    cuts.push(cutCount);
    gatherServedCount += gatherWaitingCount;
    gatherWaitingCount = 0;
    servedCount += waitingCount;
    waitingCount = 0;
  },
});

beforeAll(async () => {
  limitServer(server, { nextRequestId });
  deadline.watch(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  deadline.close();
  server.closeAllConnections();
  server.close();
});

/** A client that sends `bytes` ten times a second. */
function startClient(path: string, bytes: number): { socket: Socket; answer: () => string } {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let answer = "";
  socket.on("data", (data) => {
    answer += data.toString("latin1");
  });
  socket.on("error", () => {});
  socket.write(`PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n`);
  const piece = Buffer.alloc(bytes);
  const timer = setInterval(() => {
    if (!socket.destroyed && socket.writableLength === 0) socket.write(piece);
  }, 100);
  socket.on("close", () => clearInterval(timer));
  return { socket, answer: () => answer };
}

test("ProgressDeadline: as many of the slowest clients are cut as have waited too long for memory, and no others", async () => {
  const slowest = [startClient("/", 1), startClient("/paced", 1)];
  const others = [startClient("/", 100), startClient("/", 100_000), startClient("/paused", 1)];
  await Bun.sleep(3000);
  expect(cuts).toEqual([]);
  waitingCount = 2;
  while (cuts.length === 0) await Bun.sleep(50);
  while (slowest.some(({ socket }) => !socket.closed)) await Bun.sleep(50);
  await Bun.sleep(2500);
  expect(cuts).toEqual([2]);
  for (const { answer } of slowest) expect(answer()).toContain("<Code>RequestTimeout</Code>");
  expect(others.map(({ socket, answer }) => [socket.closed, answer()])).toEqual(others.map(() => [false, ""]));
  for (const { socket } of others) socket.destroy();
}, 30_000);

test("ProgressDeadline: when others wait to gather bytes, the slow client that holds the most is cut, one that holds none never", async () => {
  cuts.length = 0;
  const [most, less, none, fast] = [
    startClient("/gather/2000", 10),
    startClient("/gather/1000", 1),
    startClient("/", 1),
    startClient("/gather/3000", 400_000),
  ];
  await Bun.sleep(3000);
  gatherWaitingCount = 1;
  while (!most.socket.closed) await Bun.sleep(50);
  await Bun.sleep(2500);
  expect(cuts).toEqual([1]);
  expect([less, none, fast].map(({ socket }) => socket.closed)).toEqual([false, false, false]);
  for (const { socket } of [less, none, fast]) socket.destroy();
}, 30_000);
