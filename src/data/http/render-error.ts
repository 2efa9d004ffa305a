import type { ServerResponse } from "node:http";
import type { S3Error } from "#kernel/s3/s3-error.ts";
import { errorDocument } from "../request/error-document.ts";
import { commonHeaders } from "../request/respond.ts";

/** What an error document names beside the error. */
export interface ErrorPlace {
  readonly requestId: string;
  readonly resource: string;
  readonly isHead: boolean;
  /** The body was not read to its end: the connection cannot be used again. */
  readonly closes: boolean;
}

const unprintable = /[^\x20-\x7e]/g;

/** Sends the error document; the one place where errors are rendered. Headers must not have been sent. */
export function renderError(response: ServerResponse, error: S3Error, place: ErrorPlace): void {
  const document = place.isHead ? "" : errorDocument(error, place);
  const headers: Record<string, string | number> = commonHeaders(place.requestId);
  for (const name of Object.keys(error.headers)) headers[name] = (error.headers[name] ?? "").replace(unprintable, "");
  headers["Content-Type"] = "application/xml";
  headers["Content-Length"] = Buffer.byteLength(document);
  if (error.status === 503 && headers["Retry-After"] === undefined) headers["Retry-After"] = "1";
  if (place.closes) headers.Connection = "close";
  response.writeHead(error.status, headers);
  response.end(document);
}
