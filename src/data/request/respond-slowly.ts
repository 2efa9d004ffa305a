import type { ServerResponse } from "node:http";
import type { LogLine } from "../data-plane.ts";
import { errorDocument, toS3Error } from "./error-document.ts";
import { commonHeaders, type ResponseHeaders } from "./respond.ts";

/** Time after which a client that waits for a long operation is sent something. Source: API_CopyObject, API_CompleteMultipartUpload. */
const keepAliveMs = 10_000;
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** What of a request is needed to answer it slowly. */
export interface SlowRequest {
  readonly id: string;
  readonly response: ServerResponse;
  readonly resource: string;
  readonly spec: { readonly name: string };
  readonly plane: { readonly log: LogLine };
}

/** What a long operation answers with. */
export interface SlowAnswer {
  /** An XML document with its declaration. */
  readonly document: string;
  readonly headers: ResponseHeaders;
}

/**
 * Answers with what `work` yields. When it takes long, 200 is sent early and white space keeps the connection alive; then
 * the result or an `Error` document follows in the body, and headers of the result are lost.
 * @param work its errors are thrown on as long as nothing was sent
 * @param intervalMs between two signs of life
 */
export async function respondSlowly(
  request: SlowRequest,
  work: () => Promise<SlowAnswer>,
  intervalMs: number = keepAliveMs,
): Promise<void> {
  const { response } = request;
  const timer = setInterval(() => keepAlive(request), intervalMs);
  try {
    const { document, headers } = await work();
    if (response.headersSent) response.end(document.slice(declaration.length));
    else respondAtOnce(request, { document, headers });
  } catch (thrown) {
    if (!response.headersSent) throw thrown;
    const error = toS3Error(thrown);
    request.plane.log("warn", "A request failed after its status was sent", {
      requestId: request.id,
      operation: request.spec.name,
      code: error.code,
    });
    response.end(errorDocument(error, { requestId: request.id, resource: request.resource }).slice(declaration.length));
  } finally {
    clearInterval(timer);
  }
}

function respondAtOnce({ id, response }: SlowRequest, { document, headers }: SlowAnswer): void {
  const length = Buffer.byteLength(document);
  response.writeHead(200, {
    ...commonHeaders(id),
    ...headers,
    "Content-Type": "application/xml",
    "Content-Length": length,
  });
  response.end(document);
}

function keepAlive(request: SlowRequest): void {
  const { response } = request;
  if (response.destroyed) return;
  if (response.headersSent) {
    response.write(" ");
    return;
  }
  response.writeHead(200, { ...commonHeaders(request.id), "Content-Type": "application/xml" });
  // Nothing may stand in front of the declaration, so it goes first.
  response.write(declaration);
}
