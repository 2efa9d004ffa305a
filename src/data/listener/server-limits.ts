import { type Server, type ServerOptions, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { CountedRequest } from "./counted-request.ts";

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
export function limitedServerOptions(idleTimeoutSeconds: number): ServerOptions<typeof CountedRequest> {
  return {
    IncomingMessage: CountedRequest,
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

/** Sets the limits that are no constructor options and answers what is no HTTP request with an S3 error document. */
export function limitServer(server: Server<typeof CountedRequest>, connectionLimit = maxConnections): void {
  server.maxHeadersCount = maxHeaderLines;
  server.maxConnections = connectionLimit;
  server.on("clientError", refuse);
}

const messages = {
  RequestTimeout:
    "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed",
  BadRequest: "An error occurred when parsing the HTTP request",
  RequestHeaderSectionTooLarge: "Your request header and query-string section exceeds the maximum allowed size",
} as const;

/** The whole answer to a client whose body stopped arriving. */
export const requestTimeoutReply = renderReply("400 Bad Request", "RequestTimeout");

const badRequestReply = renderReply("400 Bad Request", "BadRequest");
const headersTooLargeReply = renderReply("431 Request Header Fields Too Large", "RequestHeaderSectionTooLarge");

function renderReply(status: string, code: keyof typeof messages): string {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${messages[code]}</Message></Error>`;
  return `HTTP/1.1 ${status}\r\nContent-Type: application/xml\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

/** Answers on the bare socket, unless the client is gone or a response has begun: then only closes. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  const isGone = error.code === "ECONNRESET" || error.code === "HPE_INVALID_EOF_STATE" || !socket.writable;
  if (isGone || currentResponse(socket)?.headersSent) {
    socket.destroy();
    return;
  }
  socket.end(replyTo(error.code));
}

function replyTo(code: string | undefined): string {
  if (code === "HPE_HEADER_OVERFLOW") return headersTooLargeReply;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? requestTimeoutReply : badRequestReply;
}

/** The response that a connection is busy with; undefined between requests. */
export function currentResponse(socket: Socket): ServerResponse | undefined {
  const message: unknown = Reflect.get(socket, "_httpMessage");
  return message instanceof ServerResponse ? message : undefined;
}
