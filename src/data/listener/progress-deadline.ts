import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { ClientRate } from "./client-rate.ts";
import { CountedRequest } from "./counted-request.ts";
import { OverdueWaiters, type WaitingLine } from "./overdue-waiters.ts";
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
  /** The line of those who wait for a buffer, which transfers of blobs hold; absent where they hold none. */
  readonly bufferLine?: () => WaitingLine;
  /** The line of those who wait for room to gather bytes (`CountedRequest.gatheredBytes`); absent where nobody waits. */
  readonly gatherLine?: () => WaitingLine;
  /** Told when clients were cut because others waited too long for memory. */
  readonly onSlowCut?: (cutCount: number) => void;
}

/** Bytes per second that make a client fast: it fills or empties a buffer of 256 KiB in five seconds. */
const fastBytesPerSecond = 50 * 1024;

/** A client that moved less than `fastBytesPerSecond` while only it was waited for. */
interface SlowClient {
  readonly socket: Socket;
  readonly response: ServerResponse;
  readonly bytesPerSecond: number;
  readonly gatheredBytes: number;
}

const nobody: WaitingLine = { waitingCount: 0, servedCount: 0 };

/** What was last seen of a connection. */
interface Seen {
  response: ServerResponse | undefined;
  movedBytes: number;
  sinceMs: number;
  readonly rate: ClientRate;
}

/**
 * Cuts off clients that stop moving bytes in the middle of a request: the body does not arrive, or the response is not
 * read. There is no limit on the total time. Time in which the client waits for us is not counted. Connections between
 * requests are left to the engine (`limitedServerOptions`).
 *
 * A client that moves a byte now and then keeps its connection, and the memory of its transfer, for as long as nobody else
 * needs it: when others have waited for memory for more than five seconds, as many slow clients are cut as wait: the slowest
 * of those that hold a buffer, or those that hold the most of what was gathered.
 *
 * A request pays nothing for it: once a second every connection's counters are read (about 0.3 us each).
 */
export class ProgressDeadline {
  readonly #options: ProgressDeadlineOptions;
  readonly #connections = new Map<Socket, Seen>();
  readonly #overdueBuffers: OverdueWaiters;
  readonly #overdueGathering: OverdueWaiters;
  readonly #timer: NodeJS.Timeout;

  constructor(options: ProgressDeadlineOptions) {
    this.#options = options;
    this.#overdueBuffers = new OverdueWaiters(options.bufferLine ?? (() => nobody));
    this.#overdueGathering = new OverdueWaiters(options.gatherLine ?? (() => nobody));
    this.#timer = setInterval(() => this.#tick(), 1000);
    this.#timer.unref();
  }

  /** Watches every connection this server will accept. */
  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#connections.set(socket, { response: undefined, movedBytes: 0, sinceMs: 0, rate: new ClientRate() });
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
      if (hasMoved(socket, seen, { response, nowMs })) {
        seen.sinceMs = nowMs;
        hasProgress = true;
      } else if (nowMs - seen.sinceMs >= limitMs) {
        this.#cut(socket, response);
      }
    }
    this.#cutSlow();
    this.#options.onTick?.(this.#connections.size, hasProgress);
  }

  /** Who gathers holds no buffer: an inline body dripped by one client shields no upload of another. */
  #cutSlow(): void {
    const [bufferCount, gatherCount] = [this.#overdueBuffers.look(), this.#overdueGathering.look()];
    if (bufferCount === 0 && gatherCount === 0) return;
    const slow = this.#findSlow();
    const chosen = [
      ...slow
        .filter(({ gatheredBytes }) => gatheredBytes === 0)
        .toSorted((a, b) => a.bytesPerSecond - b.bytesPerSecond)
        .slice(0, bufferCount),
      ...slow
        .filter(({ gatheredBytes }) => gatheredBytes > 0)
        .toSorted((a, b) => b.gatheredBytes - a.gatheredBytes)
        .slice(0, gatherCount),
    ];
    for (const { socket, response } of chosen) this.#cut(socket, response);
    if (chosen.length > 0) this.#options.onSlowCut?.(chosen.length);
  }

  #findSlow(): SlowClient[] {
    const slow: SlowClient[] = [];
    for (const [socket, { response, rate }] of this.#connections) {
      const { bytesPerSecond } = rate;
      if (!response || bytesPerSecond === undefined || bytesPerSecond >= fastBytesPerSecond) continue;
      const gatheredBytes = response.req instanceof CountedRequest ? response.req.gatheredBytes : 0;
      slow.push({ socket, response, bytesPerSecond, gatheredBytes });
    }
    return slow;
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
function hasMoved(
  socket: Socket,
  seen: Seen,
  { response, nowMs }: { readonly response: ServerResponse; readonly nowMs: number },
): boolean {
  const { req: request } = response;
  const received = request instanceof CountedRequest ? request.receivedBytes : 0;
  const movedBytes = received + socket.bytesWritten - response.writableLength;
  const isNew = seen.response !== response;
  const isStill = !isNew && seen.movedBytes === movedBytes;
  seen.response = response;
  seen.movedBytes = movedBytes;
  const waitsForClient = isClientsTurn(request, response);
  const isSlow = waitsForClient || (request instanceof CountedRequest && request.isPaced);
  if (isNew || !isSlow) seen.rate.reset();
  if (isSlow) seen.rate.note(movedBytes, nowMs);
  return !isStill || !waitsForClient;
}

/** Whether the next step is the client's: read what we wrote, or send more of a body that we are ready to take. */
function isClientsTurn(request: IncomingMessage, response: ServerResponse): boolean {
  if (response.writableLength > 0) return true;
  return !request.complete && request.readableLength === 0 && !request.isPaused();
}
