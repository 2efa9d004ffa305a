import { STATUS_CODES } from "node:http";
import type { S3Error } from "#kernel/s3/s3-error.ts";
import { errorDocument } from "../request/error-document.ts";
import { commonHeaders } from "../request/respond.ts";

/** A whole HTTP answer for a bare socket, where there is no response to write to: an S3 error, after which the connection ends. */
export function renderRawReply(error: S3Error, requestId: string): string {
  const body = errorDocument(error, { requestId, resource: "/" });
  const headers = {
    ...commonHeaders(requestId),
    "Content-Type": "application/xml",
    "Content-Length": Buffer.byteLength(body),
    Connection: "close",
  };
  let head = `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? "Error"}\r\n`;
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
  return `${head}\r\n${body}`;
}
