import type { S3Request } from "./s3-request.ts";

/** Headers of a response, in the order they are sent. */
export type ResponseHeaders = Record<string, string | number>;

/** Headers every answer carries. `x-amz-id-2` is opaque: the request id again, in another form. */
export function commonHeaders(requestId: string): ResponseHeaders {
  return { "x-amz-request-id": requestId, "x-amz-id-2": `mx${requestId}${requestId}`, Server: "MaxIOFS" };
}

/** Sends a status without body. */
export function respondEmpty(request: S3Request, status: number, headers: ResponseHeaders = {}): void {
  const all = Object.assign(commonHeaders(request.id), headers);
  if (status !== 204 && status !== 304) all["Content-Length"] = 0;
  request.response.writeHead(status, all);
  request.response.end();
}

/**
 * Sends an XML document.
 * @throws S3Error SlowDown when the worker could not hold it for a slow client; never for a request that changed something
 */
export function respondXml(request: S3Request, document: string, headers: ResponseHeaders = {}): void {
  const bytes = Buffer.from(document);
  if (request.message.method === "GET") request.requireRoom(bytes.length);
  const all = Object.assign(commonHeaders(request.id), headers);
  all["Content-Type"] = "application/xml";
  all["Content-Length"] = bytes.length;
  request.response.writeHead(200, all);
  request.response.end(bytes);
}
