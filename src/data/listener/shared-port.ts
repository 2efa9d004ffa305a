import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { createServer } from "node:net";

/** Where to listen. Port 0 lets the system choose. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
}

/**
 * Whether several threads can listen on one port and the kernel spreads connections over them. Elsewhere (macOS gives all
 * connections to one of them) there must be one worker.
 * Source: socket(7), `SO_REUSEPORT`, Linux 3.9.
 */
export function canSharePort(): boolean {
  return process.platform === "linux";
}

/**
 * Listens on a port that other threads of this process share. `node:http` on Bun starts its engine by `Bun.serve` inside
 * `listen()` and asks for an exclusive port; while that call runs, this adds the option that shares it.
 * @returns the port
 * @throws Error as emitted by the server, such as EADDRINUSE
 */
export function listenShared(server: HttpServer | HttpsServer, { host, port }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve(portOf(server.address()));
    });
    if (!canSharePort()) {
      server.listen(port, host);
      return;
    }
    const serve = Bun.serve;
    const serveShared = (options: object): unknown => Reflect.apply(serve, Bun, [{ ...options, reusePort: true }]);
    Reflect.set(Bun, "serve", serveShared);
    try {
      server.listen(port, host);
    } finally {
      Reflect.set(Bun, "serve", serve);
    }
  });
}

/**
 * Makes sure that nobody listens on a port yet. Sharing a port means that a second server with other data could listen on
 * it too, unnoticed: asking for it exclusively first fails when anybody has it, shared or not.
 * @throws Error EADDRINUSE, EACCES or EADDRNOTAVAIL
 */
export function assertPortFree({ host, port }: ListenOptions): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

function portOf(address: string | { readonly port: number } | null): number {
  return typeof address === "object" && address !== null ? address.port : 0;
}
