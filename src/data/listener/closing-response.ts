import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { CountedRequest } from "./counted-request.ts";

/**
 * A response that is the last one of its connection when it begins before the request's body was read to its end. Without
 * that the engine would read on after the answer for as long as the client cares to send, beyond every deadline; so it closes
 * as soon as the answer is out. Given to the server as its option `ServerResponse`.
 */
export class ClosingResponse extends ServerResponse<CountedRequest> {
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
}

/** Whether a body follows the head of a request. A transfer coding counts, whatever it is. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
