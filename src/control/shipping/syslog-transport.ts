import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import { type ResolveOptions, resolveTarget } from "../outbound/resolve-target.ts";
import { cutToBytes, frameByOctetCount } from "./render-syslog.ts";
import type { Delivery, Transport } from "./shipper.ts";

/** A syslog receiver. */
export interface SyslogReceiver extends ResolveOptions {
  readonly protocol: "tcp" | "udp" | "tls";
  readonly host: string;
  readonly port: number;
  /** Until a connection stands, and until the receiver takes a batch, ms. */
  readonly timeoutMs: number;
}

/** Receivers must take 480 bytes and should take 2,048; common ones take 8 KiB. Source: RFC 5426 section 3.2. */
export const maxDatagramBytes = 8_192;

/** Syslog by datagrams, by TCP or by TLS. Items are messages without framing. Source: RFC 5426, RFC 6587, RFC 5425. */
export function openSyslogTransport(receiver: SyslogReceiver): Transport {
  return receiver.protocol === "udp" ? new DatagramTransport(receiver) : new StreamTransport(receiver);
}

/** Nobody tells whether a datagram arrived. Each batch looks its receiver up anew, so that a change of its address is seen. */
class DatagramTransport implements Transport {
  readonly #receiver: SyslogReceiver;
  #socket: DatagramSocket | undefined;

  constructor(receiver: SyslogReceiver) {
    this.#receiver = receiver;
  }

  async send(items: readonly string[]): Promise<Delivery> {
    const { host, port } = this.#receiver;
    const { address, family } = await resolveTarget(host, this.#receiver);
    this.close();
    const socket = createSocket(family === 4 ? "udp4" : "udp6");
    this.#socket = socket;
    socket.on("error", () => undefined);
    for (const item of items) {
      await new Promise<void>((resolve, reject) => {
        socket.on("close", () => reject(new Error("Closed")));
        socket.send(cutToBytes(item, maxDatagramBytes), port, address, (error) => (error ? reject(error) : resolve()));
      });
      socket.removeAllListeners("close");
    }
    return "taken";
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}

/**
 * One connection, kept. A batch counts as taken when the system has taken all of it; syslog knows no acknowledgement, so what was
 * on its way when the receiver went is lost.
 */
class StreamTransport implements Transport {
  readonly #receiver: SyslogReceiver;
  #socket: Socket | undefined;
  #isClosed = false;

  constructor(receiver: SyslogReceiver) {
    this.#receiver = receiver;
  }

  async send(items: readonly string[]): Promise<Delivery> {
    const socket = await this.#connect();
    const bytes = items.map(frameByOctetCount).join("");
    await this.#until(socket, (resolve, reject) => {
      socket.write(bytes, (error) => (error || socket.destroyed ? reject(error ?? new Error("Reset")) : resolve()));
    });
    return "taken";
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  async #connect(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket;
    const { host, port, protocol } = this.#receiver;
    const { address } = await resolveTarget(host, this.#receiver);
    if (this.#isClosed) throw new Error("Closed");
    const place = { host: address, port };
    // The certificate is checked against the name, or against the address where there is none.
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = protocol === "tls" ? connectSecure({ ...place, ...name }) : connectPlain(place);
    this.#socket = socket;
    const forget = () => {
      if (this.#socket === socket) this.#socket = undefined;
    };
    socket.on("close", forget);
    // Receivers say nothing; one that ends its half is going.
    socket.on("end", () => {
      forget();
      socket.destroy();
    });
    // Failures that nobody waits for right now show when the next batch finds no connection.
    socket.on("error", forget);
    socket.resume();
    await this.#until(socket, (resolve) => {
      socket.on(protocol === "tls" ? "secureConnect" : "connect", resolve);
    });
    return socket;
  }

  /** Waits for one thing of a socket: its failure, its end and the time end that, and the socket. */
  async #until(socket: Socket, wait: (resolve: () => void, reject: (error: Error) => void) => void): Promise<void> {
    const { timeoutMs } = this.#receiver;
    let timer: Timer | undefined;
    const onClose = Promise.withResolvers<never>();
    const fail = (error?: unknown) => {
      onClose.reject(error instanceof Error ? error : new Error("The receiver closed the connection"));
    };
    const onEnd = () => fail();
    socket.on("error", fail);
    socket.on("close", onEnd);
    try {
      await Promise.race([
        new Promise<void>(wait),
        onClose.promise,
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error(`The receiver takes nothing for ${timeoutMs} ms`)), timeoutMs);
        }),
      ]);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      socket.off("close", onEnd);
      socket.off("error", fail);
    }
  }
}
