import { afterAll, expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { openConnection } from "#testing/acceptance/raw-connection.ts";
import { RequestHarness } from "#testing/request-harness.ts";
import type { S3Request } from "./s3-request.ts";
import { sendBody } from "./send-body.ts";

const harness = new RequestHarness();
await harness.open();
afterAll(() => harness.close());

interface Source {
  readonly pieces: AsyncGenerator<Uint8Array, void, undefined>;
  yielded: number;
  returned: boolean;
}

/** Pieces of 64 KiB; throws instead of the piece `failAt`. */
function makeSource(count: number, failAt = -1): Source {
  const source: Source = { pieces: generate(), yielded: 0, returned: false };
  async function* generate(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let i = 0; i < count; i++) {
        if (i === failAt) throw new S3Error("InternalError");
        source.yielded += 1;
        yield new Uint8Array(65_536).fill(i);
      }
    } finally {
      source.returned = true;
    }
  }
  return source;
}

function send(request: S3Request, source: Source, count: number): Promise<void> {
  return sendBody(request, source.pieces, () => request.response.writeHead(200, { "Content-Length": count * 65_536 }));
}

test("sendBody: every piece in order, then the end; the source is given back", async () => {
  const source = makeSource(40);
  const response = await harness.run((request) => send(request, source, 40));
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect([bytes.length, bytes[0], bytes.at(-1), source.returned]).toEqual([40 * 65_536, 0, 39, true]);
});

test("sendBody: an empty source still has a head", async () => {
  const source = makeSource(0);
  const response = await harness.run((request) => send(request, source, 0));
  expect([response.status, (await response.arrayBuffer()).byteLength, source.returned]).toEqual([200, 0, true]);
});

test("sendBody: damage before the first piece leaves the head unsent, so that an error can be rendered", async () => {
  const source = makeSource(3, 0);
  const response = await harness.run((request) => send(request, source, 3));
  expect([response.status, await response.text(), source.returned]).toEqual([599, "InternalError", true]);
});

test("sendBody: a client that goes away ends the source soon", async () => {
  const source = makeSource(100_000);
  const { promise, resolve } = Promise.withResolvers<void>();
  const aborter = new AbortController();
  const running = harness.run((request) => send(request, source, 100_000).finally(resolve), { signal: aborter.signal });
  const reader = (await running).body?.getReader();
  await reader?.read();
  aborter.abort();
  await promise;
  expect(source.returned).toBe(true);
  expect(source.yielded).toBeLessThan(50_000);
});

test("sendBody: a client that does not read stops the source", async () => {
  const source = makeSource(100_000);
  let port = 0;
  await harness.run((request) => {
    port = request.message.socket.localPort ?? 0;
    request.response.end();
  });
  void harness.run((request) => send(request, source, 100_000)).catch(() => {});
  const connection = await openConnection({ port });
  connection.pause();
  await connection.write("GET /bucket/key HTTP/1.1\r\nHost: a\r\n\r\n");
  await Bun.sleep(300);
  const reached = source.yielded;
  await Bun.sleep(200);
  expect(source.yielded - reached).toBeLessThan(50);
  connection.destroy();
});
