import type { Random } from "#kernel/base/random.ts";
import type { ListenAddress } from "#kernel/settings/value-parser.ts";
import type { Log } from "../observe/log.ts";
import { ControlError } from "./control-error.ts";
import { renderProblem } from "./render-problem.ts";
import { setRequestContext } from "./request-context.ts";

/** What answers requests. */
export interface RequestHandler {
  handle(request: Request): Promise<Response>;
}

/** An open listener of the control plane. */
export interface ControlListener {
  readonly port: number;
  /** Stops accepting and ends what runs. */
  close(): Promise<void>;
}

/** What listening needs. */
export interface ListenOptions {
  readonly address: ListenAddress;
  readonly app: RequestHandler;
  readonly random: Random;
  readonly log: Log;
}

const maxBodyBytes = 2 ** 20;
const idleSeconds = 30;

/** On every response. Source: OWASP HTTP Headers Cheat Sheet. */
const commonHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/**
 * Listens for the control plane. Each response has an `X-Request-Id` of its own.
 * @throws Error with code EADDRINUSE, EACCES or EADDRNOTAVAIL when the address cannot be had.
 */
export function listen({ address, app, random, log }: ListenOptions): ControlListener {
  const server = Bun.serve({
    hostname: address.host,
    port: address.port,
    maxRequestBodySize: maxBodyBytes,
    idleTimeout: idleSeconds,
    development: false,
    async fetch(request, self) {
      const requestId = Buffer.from(random.bytes(16)).toString("hex");
      setRequestContext(request, { requestId, peerAddress: self.requestIP(request)?.address ?? "" });
      const response = await app.handle(request);
      response.headers.set("x-request-id", requestId);
      for (const [name, value] of Object.entries(commonHeaders)) response.headers.set(name, value);
      return response;
    },
    error(error) {
      log.error("A request failed outside the routes", { error: error.stack ?? error.message });
      return renderProblem(new ControlError("InternalError"), "");
    },
  });
  return { port: server.port ?? 0, close: () => server.stop(true) };
}
