import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { CountedRequest } from "./counted-request.ts";

/**
 * A response that is the last one of its connection when it begins before the request's body was read to its end. Without
 * that the engine would read on after the answer for as long as the client cares to send, beyond every deadline; so it closes
 * as soon as the answer is out. Counts what of its body was handed to the engine. Given to the server as its option `ServerResponse`.
 */
export class ClosingResponse extends ServerResponse<CountedRequest> {
  /** Bytes of the body that were written until now: of one that the client cut, those before. */
  sentBytes = 0;
  #isEnding = false;

  override writeHead(status: number, reason?: string, headers?: OutgoingHttpHeaders | OutgoingHttpHeader[]): this;
  override writeHead(status: number, headers?: OutgoingHttpHeaders | OutgoingHttpHeader[]): this;
  override writeHead(
    status: number,
    reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    if (!this.req.complete && announcesBody(this.req)) this.shouldKeepAlive = false;
    return typeof reason === "string" ? super.writeHead(status, reason, headers) : super.writeHead(status, reason);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of node:http, passed on as they come
  override write(...parts: [any, any?, any?]): boolean {
    if (!this.#isEnding) this.#count(parts[0]);
    return super.write(...parts);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of node:http, passed on as they come
  override end(...parts: [any?, any?, any?]): this {
    if (!this.writableEnded) this.#count(parts[0]);
    // The engine may write the last piece by `write`.
    this.#isEnding = true;
    return super.end(...parts);
  }

  #count(piece: unknown): void {
    if (typeof piece === "string") this.sentBytes += Buffer.byteLength(piece);
    else if (piece instanceof Uint8Array) this.sentBytes += piece.byteLength;
  }
}

/** Whether a body follows the head of a request. A transfer coding counts, whatever it is. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
