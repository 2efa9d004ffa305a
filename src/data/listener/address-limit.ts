import type { Server, Socket } from "node:net";
import { clientNetwork } from "#kernel/policy/client-network.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { renderRawReply } from "./raw-reply.ts";

/** Time a refused client has to take its answer, milliseconds. */
const farewellMs = 1_000;

/** What a limit is told. */
export interface AddressLimitOptions {
  /** Connections of one network that may be open at once in this worker; 0: any number. Asked for each connection. */
  readonly limit: () => number;
  /** Names the answer to a connection that is refused. */
  readonly nextRequestId: () => string;
  /** Told of each refused connection. */
  readonly onRefused?: () => void;
}

/**
 * Bounds the connections that one client may hold: an IPv4 address, or the 64 bits of an IPv6 address that one site has.
 * Those beyond are answered 503 SlowDown and closed before anything is read.
 */
export class AddressLimit {
  readonly #options: AddressLimitOptions;
  readonly #counts = new Map<string, number>();

  constructor(options: AddressLimitOptions) {
    this.#options = options;
  }

  /** Counts every connection this server will accept. */
  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      const network = clientNetwork(socket.remoteAddress ?? "");
      const count = (this.#counts.get(network) ?? 0) + 1;
      this.#counts.set(network, count);
      socket.once("close", () => this.#forget(network));
      const limit = this.#options.limit();
      if (limit > 0 && count > limit) this.#refuse(socket);
    });
  }

  /** Networks with an open connection. */
  get networkCount(): number {
    return this.#counts.size;
  }

  #forget(network: string): void {
    const count = (this.#counts.get(network) ?? 1) - 1;
    if (count > 0) this.#counts.set(network, count);
    else this.#counts.delete(network);
  }

  #refuse(socket: Socket): void {
    this.#options.onRefused?.();
    const refusal = new S3Error("SlowDown", { message: "Too many connections from your address" });
    socket.end(renderRawReply(refusal, this.#options.nextRequestId()));
    // Closed at once, what the client has sent meanwhile would take the answer with it.
    setTimeout(() => socket.destroy(), farewellMs).unref();
  }
}

/**
 * Connections of one network that each of `workerCount` workers takes of `maxConnections` for all; 0 stays 0. The kernel
 * spreads connections by chance, so a worker may refuse a few before the others have their share.
 */
export function addressShare(maxConnections: number, workerCount: number): number {
  return Math.ceil(maxConnections / workerCount);
}
