import type { ServerResponse } from "node:http";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { escapeXml } from "#kernel/xml/write-xml.ts";
import { DamagedBytesError } from "../crypto/inline-body.ts";
import { isUnavailable } from "../catalog/unavailable.ts";
import { commonHeaders } from "./respond.ts";

/** What an error document names beside the error. */
export interface ErrorPlace {
  readonly requestId: string;
  readonly resource: string;
  readonly isHead: boolean;
  /** The body was not read to its end: the connection cannot be used again. */
  readonly closes: boolean;
}

const unprintable = /[^\x20-\x7e]/g;
const noRoomCodes = new Set(["ENOSPC", "EDQUOT"]);

/** Turns whatever was thrown into an S3 error; an unknown one becomes an opaque 500. */
export function toS3Error(thrown: unknown): S3Error {
  if (thrown instanceof S3Error) return thrown;
  if (thrown instanceof DamagedBytesError) return new S3Error("InternalError", { message: "The stored object is damaged and was not served" });
  if (isUnavailable(thrown)) return new S3Error("ServiceUnavailable", { message: "The catalog of this bucket is not available", headers: { "Retry-After": "5" } });
  if (thrown instanceof Error && "code" in thrown && noRoomCodes.has(String(thrown.code))) return new S3Error("InsufficientStorage");
  return new S3Error("InternalError");
}

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

/** The XML of an error, also for operations that answer 200 before they know their outcome. */
export function errorDocument(error: S3Error, place: Pick<ErrorPlace, "requestId" | "resource">): string {
  let fields = "";
  for (const [name, value] of Object.entries(error.fields)) fields += `<${name}>${escapeXml(String(value))}</${name}>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message>${fields}<Resource>${escapeXml(place.resource)}</Resource><RequestId>${place.requestId}</RequestId><HostId>${hostId(place.requestId)}</HostId></Error>`;
}

function hostId(requestId: string): string {
  return String(commonHeaders(requestId)["x-amz-id-2"]);
}
