import type { Socket } from "bun";
import type { Exchange } from "./exchange.ts";
import { ResponseParser } from "./response-parser.ts";

/** Called when the answer is complete (`problem` empty) or the exchange failed. */
export type ExchangeDone = (connection: LoadConnection, problem: string) => void;

/** Where to connect. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Heads with bodies up to this size go out in one write. */
const outBytes = 32 * 1024;
const writeLimitBytes = 1024 * 1024;

/** One keep-alive connection with at most one outstanding request. Reconnects by itself after a failure. */
export class LoadConnection {
  readonly exchange: Exchange;
  /** Answer of the current exchange. */
  readonly response: ResponseParser;
  /** Taken just before the first byte was written, in nanoseconds. */
  startedNs = 0;
  /** Any byte moved, in nanoseconds: for the stall detector. */
  progressNs = 0;
  readonly #endpoint: Endpoint;
  readonly #done: ExchangeDone;
  readonly #out = Buffer.allocUnsafe(outBytes);
  #outStart = 0;
  #outEnd = 0;
  #uploadedBytes = 0;
  #busy = false;
  #socket: Socket<LoadConnection> | undefined;

  constructor(endpoint: Endpoint, exchange: Exchange, done: ExchangeDone) {
    this.#endpoint = endpoint;
    this.#done = done;
    this.exchange = exchange;
    this.response = new ResponseParser({
      onBody: (piece, offset) => exchange.takeBody(this.response.status, piece, offset),
    });
  }

  /** Opens the socket. @throws Error when nobody listens */
  async open(): Promise<void> {
    this.#socket = await Bun.connect<LoadConnection>({
      hostname: this.#endpoint.host,
      port: this.#endpoint.port,
      data: this,
      socket: socketHandlers,
    });
    this.#socket.setNoDelay(true);
  }

  /** Sends the exchange as its workload filled it. `nowNs` is the start of its latency. */
  send(nowNs: number): void {
    const { exchange } = this;
    this.startedNs = nowNs;
    this.progressNs = nowNs;
    this.#busy = true;
    this.response.begin(exchange.operation === "HeadObject");
    this.#outStart = 0;
    this.#outEnd = exchange.head.copy(this.#out, 0, exchange.headStart, exchange.headEnd);
    const upload = exchange.upload;
    this.#uploadedBytes = 0;
    if (upload !== undefined) {
      const first = Math.min(upload.sizeBytes, upload.pattern.length, outBytes - this.#outEnd);
      this.#out.set(first === upload.pattern.length ? upload.pattern : upload.pattern.subarray(0, first), this.#outEnd);
      this.#outEnd += first;
      this.#uploadedBytes = first;
    }
    this.flush();
  }

  /** Writes as much as the socket takes; called again when it drains. */
  flush(): void {
    const socket = this.#socket;
    if (socket === undefined) {
      this.#finish("Not connected");
      return;
    }
    if (this.#outStart < this.#outEnd) {
      const wrote = socket.write(this.#out, this.#outStart, this.#outEnd - this.#outStart);
      if (wrote < 0) return;
      this.#outStart += wrote;
      if (this.#outStart < this.#outEnd) return;
    }
    const upload = this.exchange.upload;
    if (upload === undefined) return;
    while (this.#uploadedBytes < upload.sizeBytes) {
      const at = this.#uploadedBytes % upload.pattern.length;
      const length = Math.min(upload.pattern.length - at, upload.sizeBytes - this.#uploadedBytes, writeLimitBytes);
      const wrote = socket.write(upload.pattern, at, length);
      if (wrote < 0) return;
      this.#uploadedBytes += wrote;
      if (wrote < length) break;
    }
    this.progressNs = Bun.nanoseconds();
  }

  /** Takes bytes from the socket. */
  receive(chunk: Buffer): void {
    if (!this.#busy) {
      this.#drop("Bytes without a request");
      return;
    }
    let complete = false;
    try {
      complete = this.response.feed(chunk);
    } catch (error) {
      this.#drop(error instanceof Error ? error.message : String(error));
      return;
    }
    if (!complete) {
      this.progressNs = Bun.nanoseconds();
      return;
    }
    const upload = this.exchange.upload;
    if (upload !== undefined && this.#uploadedBytes < upload.sizeBytes) {
      this.#drop(
        `Answer ${this.response.status} before the body was sent: ${this.exchange.kept.toString("latin1", 0, 200)}`,
      );
      return;
    }
    this.#finish("");
  }

  /** Gives the current exchange up, for example because it stalled. */
  abandon(problem: string): void {
    if (this.#busy) this.#drop(problem);
  }

  /** Closes the socket for good. */
  close(): void {
    this.#busy = false;
    this.#socket?.end();
    this.#socket = undefined;
  }

  /** The peer closed, or the connection broke. */
  lost(socket: Socket<LoadConnection>, problem: string): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.open().then(
      () => this.#finish(problem),
      (error: unknown) => this.#finish(`${problem}; ${String(error)}`),
    );
  }

  #drop(problem: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.lost(socket, problem);
    socket.terminate();
  }

  #finish(problem: string): void {
    if (!this.#busy) return;
    this.#busy = false;
    this.#done(this, problem);
  }
}

const socketHandlers = {
  binaryType: "buffer",
  data(socket: Socket<LoadConnection>, chunk: Buffer): void {
    socket.data.receive(chunk);
  },
  drain(socket: Socket<LoadConnection>): void {
    socket.data.flush();
  },
  close(socket: Socket<LoadConnection>): void {
    socket.data.lost(socket, "Connection closed");
  },
  error(socket: Socket<LoadConnection>, error: Error): void {
    socket.data.lost(socket, error.message);
  },
} as const;
