import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { CountedRequest } from "./counted-request.ts";
import { renderRawReply } from "./raw-reply.ts";
import { currentResponse } from "./server-limits.ts";

/** What a deadline is told. */
export interface ProgressDeadlineOptions {
  /** Seconds without a byte moved, after which a client that we wait for is cut off. */
  readonly idleTimeoutSeconds: number;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMs: () => number;
  /** Names the answer to a client that is cut off before it got one. */
  readonly nextRequestId: () => string;
  /** Called each second with the open connections and whether any request moved or is being worked on. */
  readonly onTick?: (connectionCount: number, hasProgress: boolean) => void;
}

/** What was last seen of a connection. */
interface Seen {
  response: ServerResponse | undefined;
  movedBytes: number;
  sinceMs: number;
}

/**
 * Cuts off clients that stop moving bytes in the middle of a request: the body does not arrive, or the response is not
 * read. There is no limit on the total time. Time in which the client waits for us is not counted. Connections between
 * requests are left to the engine (`limitedServerOptions`).
 *
 * A request pays nothing for it: once a second every connection's counters are read (about 0.3 us each).
 */
export class ProgressDeadline {
  readonly #options: ProgressDeadlineOptions;
  readonly #connections = new Map<Socket, Seen>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: ProgressDeadlineOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), 1000);
    this.#timer.unref();
  }

  /** Watches every connection this server will accept. */
  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#connections.set(socket, { response: undefined, movedBytes: 0, sinceMs: 0 });
      socket.once("close", () => this.#connections.delete(socket));
    });
  }

  /** Connections open now. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Stops watching; connections stay open. */
  close(): void {
    clearInterval(this.#timer);
    this.#connections.clear();
  }

  #tick(): void {
    const nowMs = this.#options.monotonicMs();
    const limitMs = this.#options.idleTimeoutSeconds * 1000;
    let hasProgress = false;
    for (const [socket, seen] of this.#connections) {
      const response = currentResponse(socket);
      if (!response) {
        seen.response = undefined;
        continue;
      }
      if (hasMoved(socket, seen, response)) {
        seen.sinceMs = nowMs;
        hasProgress = true;
      } else if (nowMs - seen.sinceMs >= limitMs) {
        this.#cut(socket, response);
      }
    }
    this.#options.onTick?.(this.#connections.size, hasProgress);
  }

  /** Says why when nothing was sent yet. The request fails with `aborted` in whoever reads its body. */
  #cut(socket: Socket, response: ServerResponse): void {
    const { nextRequestId } = this.#options;
    if (!response.headersSent && socket.writable)
      socket.write(renderRawReply(new S3Error("RequestTimeout"), nextRequestId()));
    socket.destroy();
  }
}

/** Notes what moved since the last look. A new request counts as progress, and so does work of ours that the client waits for. */
function hasMoved(socket: Socket, seen: Seen, response: ServerResponse): boolean {
  const { req: request } = response;
  const received = request instanceof CountedRequest ? request.receivedBytes : 0;
  const movedBytes = received + socket.bytesWritten - response.writableLength;
  const isSame = seen.response === response && seen.movedBytes === movedBytes;
  seen.response = response;
  seen.movedBytes = movedBytes;
  return !isSame || !isClientsTurn(request, response);
}

/** Whether the next step is the client's: read what we wrote, or send more of a body that we are ready to take. */
function isClientsTurn(request: IncomingMessage, response: ServerResponse): boolean {
  if (response.writableLength > 0) return true;
  return !request.complete && request.readableLength === 0 && !request.isPaused();
}
