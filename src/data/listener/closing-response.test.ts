import { expect, test } from "bun:test";
import { createServer } from "node:http";
import { ClosingResponse } from "./closing-response.ts";
import { CountedRequest } from "./counted-request.ts";

/** Bytes counted of one answer, which `answer` gives. */
async function countSent(answer: (response: ClosingResponse) => void): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const options = { IncomingMessage: CountedRequest, ServerResponse: ClosingResponse };
  const server = createServer(options, (_, response) => {
    answer(response);
    resolve(response.sentBytes);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port");
  await fetch(`http://127.0.0.1:${address.port}/`)
    .then((response) => response.arrayBuffer())
    .catch(() => undefined);
  server.close();
  return promise;
}

test("ClosingResponse: counts the body that was written, with a length or chunked, text or bytes, whole or cut", async () => {
  expect(await countSent((response) => response.end())).toBe(0);
  expect(await countSent((response) => response.end("h\u00e4"))).toBe(3);
  expect(await countSent((response) => response.writeHead(200, { "content-length": "5" }).end(new Uint8Array(5)))).toBe(
    5,
  );
  const chunked = await countSent((response) => {
    response.write("ab");
    response.write(new Uint8Array(4));
    response.end("c");
  });
  expect(chunked).toBe(7);
  const cut = await countSent((response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write(new Uint8Array(10));
    response.destroy();
  });
  expect(cut).toBe(10);
});
