import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { maxWaitingRequests, RequestLine } from "./request-line.ts";
import { limitedServerOptions, limitServer } from "./server-limits.ts";

const line = new RequestLine();
const begun: string[] = [];
let runningCount = 0;
let mostRunning = 0;
const gates = new Map<string, () => void>();
const server = createServer(limitedServerOptions(60), async (request, response) => {
  if (!(await line.turn(request.socket, response))) return;
  const url = request.url ?? "";
  begun.push(url);
  runningCount += 1;
  mostRunning = Math.max(mostRunning, runningCount);
  response.once("close", () => {
    runningCount -= 1;
  });
  if (url.startsWith("/gate")) await new Promise<void>((resolve) => gates.set(url, resolve));
  const body = url.startsWith("/large") ? Buffer.alloc(64 * 2 ** 20) : Buffer.from(`<${url}>`);
  response.writeHead(200, { "content-length": body.length });
  response.end(body);
});

beforeAll(async () => {
  limitServer(server, { nextRequestId: () => "0123456789ABCDEF" });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function open(): { socket: Socket; text: () => string } {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let text = "";
  socket.on("data", (data) => {
    if (text.length < 10_000) text += data.toString("latin1");
  });
  socket.on("error", () => {});
  return { socket, text: () => text };
}

const ask = (url: string) => `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`;
const asksFor = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => ask(`${prefix}${index}`)).join("");

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(10);
}

test("RequestLine: requests sent ahead are answered in order, one at a time", async () => {
  mostRunning = 0;
  const { socket, text } = open();
  socket.write(ask("/gate-a") + asksFor("/a", maxWaitingRequests));
  await until(() => gates.has("/gate-a"));
  await Bun.sleep(50);
  expect(begun.filter((url) => url.startsWith("/a"))).toEqual([]);
  gates.get("/gate-a")?.();
  await until(() => text().includes(`</a${maxWaitingRequests - 1}>`));
  const order = ["/gate-a", ...Array.from({ length: maxWaitingRequests }, (_, index) => `/a${index}`)];
  expect([...text().matchAll(/<([^>]*)>/g)].map((match) => match[1] ?? "")).toEqual(order);
  expect(mostRunning).toBe(1);
  socket.destroy();
});

test("RequestLine: one request more than may wait closes the connection, and none of them begins", async () => {
  const { socket, text } = open();
  socket.write(ask("/gate-b") + asksFor("/b", maxWaitingRequests + 1));
  await until(() => socket.closed);
  gates.get("/gate-b")?.();
  await Bun.sleep(50);
  expect([text(), begun.filter((url) => url.startsWith("/b"))]).toEqual(["", []]);
});

test("RequestLine: what waits behind an answer nobody reads does not begin, nor when the client has gone", async () => {
  const { socket } = open();
  socket.pause();
  socket.write(ask("/large") + asksFor("/c", 5));
  await until(() => begun.includes("/large"));
  await Bun.sleep(100);
  socket.destroy();
  await Bun.sleep(200);
  expect(begun.filter((url) => url.startsWith("/c"))).toEqual([]);
});

test("RequestLine: requests that follow their answers never wait, connections do not wait for one another", async () => {
  const [held, free] = [open(), open()];
  held.socket.write(ask("/gate-d"));
  await until(() => gates.has("/gate-d"));
  for (let index = 0; index < 3 * maxWaitingRequests; index++) {
    free.socket.write(ask(`/d${index}`));
    await until(() => free.text().includes(`</d${index}>`));
  }
  gates.get("/gate-d")?.();
  await until(() => held.text().includes("</gate-d>"));
  for (const { socket } of [held, free]) socket.destroy();
});
