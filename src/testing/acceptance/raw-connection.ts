/** An HTTP/1.1 response as it came over the wire. */
export interface RawResponse {
  readonly status: number;
  /** Names in lower case, values as latin1 text; repeated ones joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Status codes of interim answers (100) that came before this one. */
  readonly interim: readonly number[];
  /** The server keeps the connection open. */
  readonly keepAlive: boolean;
}

/** Where to connect. */
export interface RawTarget {
  readonly port: number;
  /** With TLS; certificates are not checked. */
  readonly tls?: boolean;
}

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly isHttp10: boolean;
}

/**
 * One TCP connection on which a test writes any bytes it likes and reads HTTP responses. Built on Bun's own sockets: those of
 * `node:net` throw away an answer that is already there when a write fails because the server has closed.
 */
export class RawConnection {
  #socket: Awaited<ReturnType<typeof Bun.connect>> | undefined;
  #received: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  /** What the kernel has not taken yet, and who waits for it. */
  readonly #unsent: { bytes: Uint8Array; readonly done: () => void }[] = [];

  /** Connects. @throws Error when nobody listens. */
  async open({ port, tls = false }: RawTarget): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      ...(tls ? { tls: { rejectUnauthorized: false } } : {}),
      allowHalfOpen: true,
      socket: {
        data: (_, chunk) => {
          this.#chunks.push(Buffer.from(chunk));
          this.#chunkBytes += chunk.length;
          this.#wake?.();
        },
        drain: () => this.#flush(),
        end: () => this.#finish(),
        close: () => this.#finish(),
        error: () => this.#finish(),
      },
    });
  }

  /** True when the server has closed its side or the connection failed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Writes bytes (a text as latin1) and waits until the kernel has taken them or the connection is gone. */
  write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    return new Promise((done) => {
      this.#unsent.push({ bytes, done });
      this.#flush();
    });
  }

  /** Half-closes: no more bytes come from this side. */
  end(): void {
    this.#socket?.shutdown();
  }

  /** Reads nothing any more: the server's answers pile up in the kernel. */
  pause(): void {
    this.#socket?.pause();
  }

  /** Reads again after `pause`. */
  resume(): void {
    this.#socket?.resume();
  }

  /** Cuts the connection without a goodbye. */
  destroy(): void {
    this.#socket?.terminate();
  }

  /**
   * The next final response. `method` decides whether it has a body.
   * @throws Error when the connection ends first or nothing complete came within `timeoutMs` (15,000 when absent).
   */
  async readResponse(method: string, timeoutMs = 15_000): Promise<RawResponse> {
    const deadline = performance.now() + timeoutMs;
    const interim: number[] = [];
    for (;;) {
      const head = await this.#readHead(deadline);
      if (head.status < 200) {
        interim.push(head.status);
        continue;
      }
      const body = await this.#readBody(method, head, deadline);
      const isClosing = head.isHttp10 || head.headers["connection"]?.toLowerCase() === "close" || this.#ended;
      return { status: head.status, headers: head.headers, body, interim, keepAlive: !isClosing };
    }
  }

  /** Resolves when the server closes the connection. @throws Error when it does not within `timeoutMs`. */
  async waitForEnd(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#ended) await this.#more(deadline);
  }

  #flush(): void {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      const written =
        this.#ended || next.bytes.length === 0 ? next.bytes.length : (this.#socket?.write(next.bytes) ?? 0);
      if (written >= 0 && written < next.bytes.length) {
        next.bytes = next.bytes.subarray(written);
        return;
      }
      this.#unsent.shift();
      next.done();
    }
  }

  #finish(): void {
    this.#ended = true;
    this.#flush();
    this.#wake?.();
  }

  async #readHead(deadline: number): Promise<Head> {
    let end = this.#received.indexOf("\r\n\r\n");
    while (end < 0) {
      await this.#take(deadline);
      end = this.#received.indexOf("\r\n\r\n");
    }
    const text = this.#received.toString("latin1", 0, end);
    this.#received = this.#received.subarray(end + 4);
    return parseHead(text);
  }

  async #readBody(method: string, head: Head, deadline: number): Promise<Buffer> {
    if (method === "HEAD" || head.status === 204 || head.status === 304) return Buffer.alloc(0);
    if (head.headers["transfer-encoding"]?.toLowerCase() === "chunked") return this.#readChunked(deadline);
    const length = head.headers["content-length"];
    if (length !== undefined) return this.#readExactly(Number(length), deadline);
    while (!this.#ended) await this.#more(deadline);
    return this.#readExactly(this.#received.length + this.#chunkBytes, deadline);
  }

  async #readChunked(deadline: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.#readLine(deadline), 16);
      if (!Number.isInteger(size)) throw new Error("The response has a broken chunk header");
      if (size === 0) break;
      pieces.push(await this.#readExactly(size, deadline));
      await this.#readLine(deadline);
    }
    while ((await this.#readLine(deadline)) !== "");
    return Buffer.concat(pieces);
  }

  async #readLine(deadline: number): Promise<string> {
    let end = this.#received.indexOf("\r\n");
    while (end < 0) {
      await this.#take(deadline);
      end = this.#received.indexOf("\r\n");
    }
    const line = this.#received.toString("latin1", 0, end);
    this.#received = this.#received.subarray(end + 2);
    return line;
  }

  async #readExactly(length: number, deadline: number): Promise<Buffer> {
    while (this.#received.length + this.#chunkBytes < length) await this.#more(deadline);
    this.#gather();
    const body = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return body;
  }

  async #take(deadline: number): Promise<void> {
    if (this.#chunkBytes === 0) await this.#more(deadline);
    this.#gather();
  }

  #gather(): void {
    if (this.#chunkBytes === 0) return;
    this.#received = Buffer.concat([this.#received, ...this.#chunks]);
    this.#chunks = [];
    this.#chunkBytes = 0;
  }

  /** Waits for more bytes or the end. */
  async #more(deadline: number): Promise<void> {
    if (this.#ended) throw new ConnectionEndedError();
    const left = deadline - performance.now();
    if (left <= 0) throw new Error("The server did not answer in time");
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, left);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

/** The server closed the connection before it had answered. */
export class ConnectionEndedError extends Error {
  override readonly name = "ConnectionEndedError";

  constructor() {
    super("The server closed the connection before a response was complete");
  }
}

/** Whether an error says that the server went away, and nothing else. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof ConnectionEndedError) return true;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNREFUSED" || code === "ECONNRESET" || code === "EPIPE";
}

/** Opens a connection to the loopback address. @throws Error when nobody listens. */
export async function openConnection(target: RawTarget): Promise<RawConnection> {
  const connection = new RawConnection();
  await connection.open(target);
  return connection;
}

/** Sends bytes on a connection of their own and returns the one response. */
export async function exchange(target: RawTarget, method: string, bytes: Uint8Array | string): Promise<RawResponse> {
  const connection = await openConnection(target);
  try {
    const written = connection.write(bytes);
    const response = await connection.readResponse(method);
    void written;
    return response;
  } finally {
    connection.destroy();
  }
}

function parseHead(text: string): Head {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1];
  if (status === undefined) throw new Error(`No HTTP response: ${statusLine.slice(0, 100)}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { status: Number(status), headers, isHttp10: statusLine.startsWith("HTTP/1.0") };
}
