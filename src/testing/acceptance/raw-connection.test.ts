import { afterAll, expect, test } from "bun:test";
import { createServer } from "node:net";
import { ConnectionEndedError, exchange, isConnectionLoss, openConnection } from "./raw-connection.ts";

const answers: Readonly<Record<string, string>> = {
  "/length": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two: a\r\nX-Two: b\r\n\r\nhello",
  "/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
  "/interim": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
  "/head": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
  "/cut": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
};
const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", (data) => {
    const path = String(data).split(" ")[1] ?? "";
    for (const character of answers[path] ?? "") socket.write(character);
    if (path === "/cut") socket.end();
  });
});
const port = await new Promise<number>((done) => {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    done(typeof address === "object" && address !== null ? address.port : 0);
  });
});
afterAll(() => server.close());

test("readResponse: reads bodies by length and by chunks, repeated headers joined", async () => {
  const byLength = await exchange({ port }, "GET", "GET /length HTTP/1.1\r\n\r\n");
  expect([byLength.status, byLength.headers["x-two"], String(byLength.body)]).toEqual([200, "a, b", "hello"]);
  expect(String((await exchange({ port }, "GET", "GET /chunked HTTP/1.1\r\n\r\n")).body)).toBe("hello");
});

test("readResponse: counts interim answers and knows which answers have no body", async () => {
  const interim = await exchange({ port }, "PUT", "PUT /interim HTTP/1.1\r\n\r\n");
  expect([interim.status, interim.interim]).toEqual([204, [100]]);
  expect((await exchange({ port }, "HEAD", "HEAD /head HTTP/1.1\r\n\r\n")).body.length).toBe(0);
});

test("readResponse: several responses on one connection", async () => {
  const connection = await openConnection({ port });
  for (let round = 0; round < 3; round++) {
    await connection.write("GET /length HTTP/1.1\r\n\r\n");
    expect(String((await connection.readResponse("GET")).body)).toBe("hello");
  }
  connection.destroy();
});

test("readResponse: a connection cut in the middle of a body is an error, never a short body", async () => {
  const outcome = await exchange({ port }, "GET", "GET /cut HTTP/1.1\r\n\r\n").catch((error: unknown) => error);
  expect([outcome instanceof ConnectionEndedError, isConnectionLoss(outcome)]).toEqual([true, true]);
});
