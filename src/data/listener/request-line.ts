import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { currentResponse } from "./server-limits.ts";

/** Requests that may wait on one connection while another is answered. S3 clients send none ahead. */
export const maxWaitingRequests = 16;

interface Waiting {
  readonly response: ServerResponse;
  readonly begin: (isWanted: boolean) => void;
}

/**
 * Lets the requests of one connection begin one after the other. The engine hands over all that a client sent ahead at once,
 * thousands of them, each of which would take memory and work for an answer nobody has read the one before of.
 * Source: RFC 9112 section 9.3.2 (pipelining)
 */
export class RequestLine {
  readonly #lines = new WeakMap<Socket, Waiting[]>();

  /**
   * Whether a request is to be answered: at once when its connection is free, else when it is; false when the client is
   * gone or has sent too much ahead, for which its connection is closed.
   */
  turn(socket: Socket, response: ServerResponse): true | false | Promise<boolean> {
    if (socket.destroyed) return false;
    const current = currentResponse(socket);
    if (current === undefined || current === response) return true;
    const line = this.#lineOf(socket);
    if (line.length === maxWaitingRequests) {
      socket.destroy();
      return false;
    }
    return new Promise((begin) => {
      line.push({ response, begin });
      if (line.length === 1) beginAfter(current, socket, line);
    });
  }

  #lineOf(socket: Socket): Waiting[] {
    const known = this.#lines.get(socket);
    if (known) return known;
    const line: Waiting[] = [];
    this.#lines.set(socket, line);
    socket.once("close", () => dismiss(line));
    return line;
  }
}

function beginAfter(current: ServerResponse, socket: Socket, line: Waiting[]): void {
  current.once("close", () => {
    // The engine calls an answer finished when its client goes away, too.
    if (socket.destroyed) return dismiss(line);
    const next = line.shift();
    if (!next) return;
    next.begin(true);
    if (line.length > 0) beginAfter(next.response, socket, line);
  });
}

function dismiss(line: Waiting[]): void {
  for (const { begin } of line.splice(0)) begin(false);
}
