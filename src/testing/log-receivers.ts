import { createSocket } from "node:dgram";
import { createServer as createPlainServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { selfSignedCertificate } from "./self-signed-certificate.ts";

/** A receiver of syslog. */
export interface SyslogReceiver {
  readonly port: number;
  /** Messages in their order, without framing. */
  readonly messages: string[];
  close(): Promise<void>;
}

/** A receiver over TCP or TLS, with what a test does to it. */
export interface StreamReceiver extends SyslogReceiver {
  /** Ends every connection by a reset. */
  reset(): void;
  /** Reads nothing more on any connection, or reads again. */
  hold(isHeld: boolean): void;
  readonly connectionCount: number;
}

/** Listens for syslog over TCP, or TLS with the tests' certificate, framed by octet count. @param port 0 for a free one. @param host an address of this machine */
export async function listenForSyslog(
  protocol: "tcp" | "tls" = "tcp",
  port = 0,
  host = "127.0.0.1",
): Promise<StreamReceiver> {
  const messages: string[] = [];
  const sockets = new Set<Socket>();
  let connectionCount = 0;
  let isHeld = false;
  const take = (socket: Socket) => {
    connectionCount += 1;
    sockets.add(socket);
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => {
      rest = takeFrames(Buffer.concat([rest, data]), messages);
    });
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    if (isHeld) socket.pause();
  };
  const server = protocol === "tls" ? createTlsServer(selfSignedCertificate, take) : createPlainServer(take);
  await listen(server, port, host);
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: portOf(server),
    messages,
    get connectionCount() {
      return connectionCount;
    },
    reset,
    hold: (held) => {
      isHeld = held;
      for (const socket of sockets) held ? socket.pause() : socket.resume();
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Listens for syslog over UDP. */
export async function listenForDatagrams(host = "127.0.0.1"): Promise<SyslogReceiver> {
  const messages: string[] = [];
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("message", (message) => void messages.push(message.toString()));
  await new Promise<void>((resolve) => socket.bind(0, host, () => resolve()));
  return {
    port: socket.address().port,
    messages,
    close: async () => {
      socket.close();
    },
  };
}

/** One request that a web receiver got. */
export interface ReceivedPost {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A web receiver that listens on 127.0.0.1. */
export interface PostReceiver {
  readonly url: string;
  readonly port: number;
  readonly posts: ReceivedPost[];
  /** Status of the answers; 0: none comes. */
  status: number;
  close(): Promise<void>;
}

/** Listens for POST requests. @param protocol `https`: with the tests' certificate, for `localhost` */
export function listenForPosts(protocol: "http" | "https" = "http"): PostReceiver {
  const posts: ReceivedPost[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    ...(protocol === "https" && { tls: selfSignedCertificate }),
    async fetch(request) {
      const body = await request.text();
      posts.push({ path: new URL(request.url).pathname, headers: Object.fromEntries(request.headers), body });
      if (receiver.status === 0) await new Promise(() => undefined);
      const headers = receiver.status === 302 ? { location: `${receiver.url}/elsewhere` } : {};
      return new Response("secret answer", { status: receiver.status, headers });
    },
  });
  const receiver: PostReceiver = {
    url: `${protocol}://${protocol === "https" ? "localhost" : "127.0.0.1"}:${server.port}`,
    port: server.port ?? 0,
    posts,
    status: 200,
    close: () => server.stop(true),
  };
  return receiver;
}

/** Waits until it is so. @throws Error after 10 s */
export async function waitUntil(isSo: () => boolean, what = "It"): Promise<void> {
  for (let left = 1_000; !isSo(); left -= 1) {
    if (left === 0) throw new Error(`${what} did not happen`);
    await Bun.sleep(10);
  }
}

function takeFrames(bytes: Buffer, messages: string[]): Buffer {
  let rest = bytes;
  for (;;) {
    const [head = "", digits] = /^(\d+) /.exec(rest.subarray(0, 12).toString("latin1")) ?? [];
    const end = head.length + Number(digits);
    if (digits === undefined && rest.length > 12) throw new Error("No octet count");
    if (digits === undefined || rest.length < end) return rest;
    messages.push(rest.subarray(head.length, end).toString());
    rest = rest.subarray(end);
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, host, () => resolve());
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
