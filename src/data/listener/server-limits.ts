import { type IncomingMessage, type Server, type ServerOptions, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { ClosingResponse } from "./closing-response.ts";
import { CountedRequest } from "./counted-request.ts";
import { renderRawReply } from "./raw-reply.ts";

/** Bytes of the request line and all header lines together. Above: 431. */
const maxHeaderBytes = 16 * 1024;

/** Header lines of one request. Above: 431. */
const maxHeaderLines = 128;

/** Connections of one worker; the engine resets those above. Each idle one costs about 4 KiB. */
const maxConnections = 16_384;

/**
 * Options for `http.createServer` and `https.createServer`. A connection that shows no complete request header within
 * `idleTimeoutSeconds`, at its start or between requests, is ended by the engine, which looks once a second. Bodies have no
 * total deadline: `ProgressDeadline` watches them.
 */
export function limitedServerOptions(
  idleTimeoutSeconds: number,
): ServerOptions<typeof CountedRequest, typeof ClosingResponse> {
  return {
    IncomingMessage: CountedRequest,
    ServerResponse: ClosingResponse,
    // Its own refusal has no request id and no document: the handler says it.
    requireHostHeader: false,
    // A request without a body is a stream that has ended and is destroyed from the start: nobody has to read it to its end.
    optimizeEmptyRequests: true,
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: idleTimeoutSeconds * 1000,
    requestTimeout: 0,
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: idleTimeoutSeconds * 1000,
    keepAliveTimeoutBuffer: 0,
  };
}

/**
 * Connections each of `workerCount` workers may take where the process may open `openFileLimit` files: a quarter of the
 * files, and at least 64, stay for catalogs, blobs and the console. At the limit itself Bun ends the whole process.
 */
export function connectionShare(openFileLimit: number, workerCount: number): number {
  const kept = Math.max(64, Math.ceil(openFileLimit / 4));
  return Math.max(1, Math.min(maxConnections, Math.floor((openFileLimit - kept) / workerCount)));
}

/** What a server is told beside its options. */
export interface ServerLimits {
  /** Names each answer that no handler gives. */
  readonly nextRequestId: () => string;
  readonly connectionLimit?: number;
}

/** Sets the limits that are no constructor options and answers what never becomes a request with an S3 error document. */
export function limitServer(server: Server, { nextRequestId, connectionLimit = maxConnections }: ServerLimits): void {
  server.maxHeadersCount = maxHeaderLines;
  server.maxConnections = connectionLimit;
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => refuse(error, socket, nextRequestId));
  server.on("checkExpectation", ({ socket }: IncomingMessage) => {
    socket.end(renderRawReply(new S3Error("ExpectationFailed"), nextRequestId()));
  });
  server.on("connect", (_: IncomingMessage, socket: Duplex) => {
    const refusal = new S3Error("MethodNotAllowed", { fields: { Method: "CONNECT" } });
    socket.end(renderRawReply(refusal, nextRequestId()));
  });
}

/** Answers on the bare socket, unless the client is gone or a response has begun: then only closes. */
function refuse(error: NodeJS.ErrnoException, socket: Socket, nextRequestId: () => string): void {
  const isGone = error.code === "ECONNRESET" || error.code === "HPE_INVALID_EOF_STATE" || !socket.writable;
  if (isGone || currentResponse(socket)?.headersSent) {
    socket.destroy();
    return;
  }
  socket.end(renderRawReply(refusalOf(error.code), nextRequestId()));
}

function refusalOf(code: string | undefined): S3Error {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new S3Error("RequestHeaderSectionTooLarge");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new S3Error("RequestTimeout");
    case "HPE_INVALID_TRANSFER_ENCODING":
      return unsupportedTransferEncoding();
    default:
      return new S3Error("BadRequest", { message: "An error occurred when parsing the HTTP request" });
  }
}

/** The refusal of every transfer coding but `chunked` alone: what another would do to the body nobody here undoes. */
export function unsupportedTransferEncoding(): S3Error {
  return new S3Error("NotImplemented", {
    message: "Transfer-Encoding must be chunked, without another coding and without Content-Length",
    fields: { Header: "Transfer-Encoding" },
  });
}

/** The response that a connection is busy with; undefined between requests. */
export function currentResponse(socket: Socket): ServerResponse | undefined {
  const message: unknown = Reflect.get(socket, "_httpMessage");
  return message instanceof ServerResponse ? message : undefined;
}
