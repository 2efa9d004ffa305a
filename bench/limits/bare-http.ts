/**
 * The yardstick of GET: `node:http` on Bun that answers every request with the same 8 KiB, with no routing, no signature and
 * no disk. A process of its own, as the server is; prints its port and serves until it is ended.
 */
import { createServer } from "node:http";
import { makeBodies } from "../load/object-body.ts";

/** Bytes of every answer. */
export const bareBodyBytes = 8192;

/** Listens on a free port of the loopback interface and prints the port. */
function serveBareHttp(): void {
  const [body] = makeBodies({ sizeBytes: bareBodyBytes, variants: 1 });
  if (body === undefined) throw new RangeError("A shape with one variant has one body");
  const headers = { "content-type": "application/octet-stream", "content-length": bareBodyBytes, etag: body.etag };
  const server = createServer((_request, response) => {
    response.writeHead(200, headers);
    response.end(body.pattern);
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    process.stdout.write(`${port}\n`);
  });
}

if (import.meta.main) serveBareHttp();
