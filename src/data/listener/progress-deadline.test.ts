import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { systemClock } from "#kernel/base/clock.ts";
import { ProgressDeadline } from "./progress-deadline.ts";
import { limitedServerOptions, limitServer } from "./server-limits.ts";

const idleTimeoutSeconds = 1;
const requestId = "0123456789ABCDEF";
const server = createServer(limitedServerOptions(idleTimeoutSeconds), (request, response) => {
  if (request.url === "/working") {
    setTimeout(() => response.end("late"), 3500);
  } else if (request.url === "/early") {
    response.writeHead(200, { "content-length": 5 });
    response.end("early");
  } else if (request.url === "/large") {
    response.setHeader("content-length", 64 * 2 ** 20);
    const piece = Buffer.alloc(2 ** 20);
    const write = (left: number): void => {
      if (left === 0) response.end();
      else if (response.write(piece)) write(left - 1);
      else response.once("drain", () => write(left - 1));
    };
    write(64);
  } else if (request.url === "/paused") {
    request.pause();
    setTimeout(() => request.resume().on("end", () => response.end("read")), 3500);
  } else {
    const answer = () => response.end(`lines=${request.rawHeaders.length / 2}`);
    request.on("error", () => {});
    if (request.readableEnded) answer();
    else request.resume().on("end", answer);
  }
});
const ticks: [number, boolean][] = [];
const deadline = new ProgressDeadline({
  idleTimeoutSeconds,
  monotonicMs: systemClock.monotonicMs,
  nextRequestId: () => requestId,
  onTick: (...tick) => ticks.push(tick),
});

beforeAll(async () => {
  limitServer(server, { nextRequestId: () => requestId });
  deadline.watch(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  deadline.close();
  server.closeAllConnections();
  server.close();
});

interface Outcome {
  readonly text: string;
  readonly receivedBytes: number;
  /** Undefined while the connection was open at the end of the wait. */
  readonly closedAfterMs: number | undefined;
}

/** Sends pieces with pauses and says what came back and whether the server closed within `waitMs`. */
async function talk(act: (socket: Socket) => Promise<void>, waitMs: number): Promise<Outcome> {
  const startMs = performance.now();
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let text = "";
  let receivedBytes = 0;
  let closedAfterMs: number | undefined;
  socket.on("data", (data) => {
    receivedBytes += data.length;
    if (text.length < 1000) text += data.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) =>
    socket.on("close", () => {
      closedAfterMs ??= performance.now() - startMs;
      resolve();
    }),
  );
  void act(socket);
  await Promise.race([closed, Bun.sleep(waitMs)]);
  const outcome = { text, receivedBytes, closedAfterMs };
  socket.destroy();
  return outcome;
}

const header = (line: string, ...more: string[]) => [line, "Host: x", ...more, "", ""].join("\r\n");

test.concurrent("ProgressDeadline: a body that stops arriving is cut and told RequestTimeout", async () => {
  const { text, closedAfterMs } = await talk(async (socket) => {
    socket.write(header("PUT / HTTP/1.1", "Content-Length: 100"));
    socket.write("0123456789");
  }, 6000);
  expect(text).toContain("<Code>RequestTimeout</Code>");
  expect(closedAfterMs).toBeGreaterThan(1000);
  expect(closedAfterMs).toBeLessThan(4500);
});

test.concurrent("ProgressDeadline: a slow body that keeps moving is not cut", async () => {
  const { text } = await talk(async (socket) => {
    socket.write(header("PUT / HTTP/1.1", "Content-Length: 7"));
    for (let sent = 0; sent < 7; sent++) {
      await Bun.sleep(450);
      socket.write("x");
    }
  }, 4300);
  expect(text).toStartWith("HTTP/1.1 200 OK");
});

test.concurrent("ProgressDeadline: a response nobody reads is cut", async () => {
  const { closedAfterMs, receivedBytes } = await talk(async (socket) => {
    socket.pause();
    socket.write(header("GET /large HTTP/1.1"));
    await Bun.sleep(4500);
    socket.resume();
  }, 7000);
  expect(closedAfterMs).toBeDefined();
  expect(receivedBytes).toBeLessThan(64 * 2 ** 20);
});

test.concurrent("ProgressDeadline: a client that waits for our work is not cut", async () => {
  const { text } = await talk(async (socket) => {
    socket.write(header("GET /working HTTP/1.1"));
  }, 4600);
  expect(text).toEndWith("late");
});

test.concurrent("ProgressDeadline: a body we do not take is not the client's fault", async () => {
  const { text } = await talk(async (socket) => {
    socket.write(header("PUT /paused HTTP/1.1", "Content-Length: 4"));
    await Bun.sleep(100);
    socket.write("four");
  }, 4600);
  expect(text).toEndWith("read");
});

test.concurrent("limitedServerOptions: a header that trickles in is cut", async () => {
  const { text, closedAfterMs } = await talk(async (socket) => {
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
    for (let line = 0; line < 15; line++) {
      await Bun.sleep(300);
      socket.write(`x-${line}: y\r\n`);
    }
  }, 6000);
  expect(text).toContain("<Code>RequestTimeout</Code>");
  expect(closedAfterMs).toBeLessThan(4500);
});

test.concurrent("limitedServerOptions: a connection that says nothing is cut", async () => {
  const { closedAfterMs } = await talk(async () => {}, 6000);
  expect(closedAfterMs).toBeLessThan(5500);
});

test.concurrent("limitedServerOptions: an idle connection is closed between requests", async () => {
  const { text, closedAfterMs } = await talk(async (socket) => {
    socket.write(header("GET / HTTP/1.1"));
  }, 6000);
  expect(text).toEndWith("lines=1");
  expect(closedAfterMs).toBeLessThan(4500);
});

test.concurrent("limitServer: 128 header lines pass, 129 and 100,000 are refused with 431", async () => {
  const lines = (count: number) => Array.from({ length: count - 1 }, (_, index) => `x-${index}: y`);
  const ask = (count: number) =>
    talk(async (socket) => void socket.write(header("GET / HTTP/1.1", ...lines(count))), 300);
  expect((await ask(128)).text).toEndWith("lines=128");
  for (const count of [129, 100_000]) {
    const { text } = await ask(count);
    expect(text).toStartWith("HTTP/1.1 431 ");
    expect(text).toContain("<Code>RequestHeaderSectionTooLarge</Code>");
  }
});

test.concurrent("limitServer: a header section above 16 KiB is refused with 431", async () => {
  const ask = (bytes: number) =>
    talk(async (socket) => void socket.write(header("GET / HTTP/1.1", `x: ${"y".repeat(bytes)}`)), 300);
  expect((await ask(15 * 1024)).text).toStartWith("HTTP/1.1 200 ");
  expect((await ask(17 * 1024)).text).toStartWith("HTTP/1.1 431 ");
});

test.concurrent("limitServer: what is no HTTP gets 400 and the connection ends", async () => {
  const { text, closedAfterMs } = await talk(
    async (socket) => void socket.write("\x16\x03\x01 nonsense\r\n\r\n"),
    1500,
  );
  expect(text).toStartWith("HTTP/1.1 400 ");
  expect(closedAfterMs).toBeDefined();
});

test.concurrent("ClosingResponse: an answer that does not wait for the body is the last one of its connection", async () => {
  for (const framing of ["Content-Length: 1000", "Transfer-Encoding: chunked"]) {
    const { text, closedAfterMs } = await talk(async (socket) => {
      socket.write(header("GET /early HTTP/1.1", framing));
      for (let piece = 0; piece < 12; piece++) {
        await Bun.sleep(300);
        if (!socket.destroyed) socket.write(framing.startsWith("T") ? "1\r\nx\r\n" : "x");
      }
    }, 3000);
    expect([framing, /^connection: close\r$/im.test(text), text.endsWith("early")]).toEqual([framing, true, true]);
    expect(closedAfterMs).toBeDefined();
  }
});

test.concurrent("ClosingResponse: connections go on when the body was read or none was announced", async () => {
  const { text, closedAfterMs } = await talk(async (socket) => {
    socket.write(`${header("PUT / HTTP/1.1", "Content-Length: 4")}four`);
    await Bun.sleep(100);
    socket.write(header("GET /early HTTP/1.1"));
    await Bun.sleep(100);
    socket.write(header("GET /early HTTP/1.1", "Content-Length: 0"));
  }, 500);
  expect(text.match(/HTTP\/1.1 200 /g)?.length).toBe(3);
  expect([/connection: close/i.test(text), closedAfterMs]).toEqual([false, undefined]);
});

test.concurrent("limitServer: each refusal of the engine carries a request id and an S3 error document", async () => {
  const cases = [
    [400, "BadRequest", "nonsense\r\n\r\n"],
    [400, "BadRequest", header("PUT / HTTP/1.1", "Content-Length: 5", "Content-Length: 6")],
    [417, "ExpectationFailed", `${header("PUT / HTTP/1.1", "Expect: more", "Content-Length: 4")}four`],
    [405, "MethodNotAllowed", header("CONNECT x:80 HTTP/1.1")],
    [431, "RequestHeaderSectionTooLarge", header("GET / HTTP/1.1", `x: ${"y".repeat(17 * 1024)}`)],
    [501, "NotImplemented", header("PUT / HTTP/1.1", "Transfer-Encoding: chunked, gzip")],
    [501, "NotImplemented", header("PUT / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked")],
    [400, "RequestTimeout", "GET / HTTP/1.1\r\nHost: x\r\n"],
    [400, "RequestTimeout", header("PUT / HTTP/1.1", "Content-Length: 5")],
  ] as const;
  for (const [status, code, bytes] of cases) {
    const { text, closedAfterMs } = await talk(async (socket) => void socket.write(bytes), 6000);
    expect([code, text.startsWith(`HTTP/1.1 ${status} `), closedAfterMs === undefined]).toEqual([code, true, false]);
    expect(text).toContain(`x-amz-request-id: ${requestId}\r\n`);
    expect(text).toContain(`<Code>${code}</Code>`);
    expect(text).toContain(`<RequestId>${requestId}</RequestId>`);
    const [head = "", body = ""] = text.split("\r\n\r\n");
    expect(/content-length: (\d+)/i.exec(head)?.[1]).toBe(String(body.length));
  }
}, 20_000);

test("ProgressDeadline: tells the number of connections and whether anything moved", async () => {
  await Bun.sleep(1100);
  expect(ticks.some(([connections, hasProgress]) => connections > 0 && hasProgress)).toBe(true);
  expect(ticks.some(([, hasProgress]) => !hasProgress)).toBe(true);
});
