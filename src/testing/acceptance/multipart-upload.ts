import type { BucketClient } from "./bucket-client.ts";
import type { S3Response } from "./s3-client.ts";
import type { HeaderFields } from "./sign-v4.ts";
import { escapeXmlText, readXmlText } from "./xml-text.ts";

/** Bytes of the smallest part that may be followed by another. */
export const minPartBytes = 5 * 1024 * 1024;

/** One part in a CompleteMultipartUpload document; `extra` is further XML inside `Part`. */
export interface ListedPart {
  readonly number: number | string;
  readonly etag: string;
  readonly extra?: string;
}

/** An open upload. */
export class MultipartUpload {
  readonly bucket: BucketClient;
  readonly key: string;
  readonly uploadId: string;

  constructor(bucket: BucketClient, key: string, uploadId: string) {
    this.bucket = bucket;
    this.key = key;
    this.uploadId = uploadId;
  }

  /** Uploads a part. */
  put(partNumber: number | string, body: Uint8Array | string, headers: HeaderFields = {}): Promise<S3Response> {
    return this.bucket.send(this.key, { method: "PUT", query: this.query(partNumber), body, headers });
  }

  /** Completes with these parts. */
  complete(parts: readonly ListedPart[], headers: HeaderFields = {}): Promise<S3Response> {
    return this.completeWith(renderParts(parts), headers);
  }

  /** Completes with any body. */
  completeWith(body: string, headers: HeaderFields = {}): Promise<S3Response> {
    return this.bucket.send(this.key, { method: "POST", query: this.query(), body, headers });
  }

  /** Gives the upload up. */
  abort(headers: HeaderFields = {}): Promise<S3Response> {
    return this.bucket.delete(this.key, headers, this.query());
  }

  /** ListParts; `more` is further query text. */
  list(more = ""): Promise<S3Response> {
    return this.bucket.get(this.key, {}, more === "" ? this.query() : `${this.query()}&${more}`);
  }

  /** The query that names the upload and, if given, a part. */
  query(partNumber?: number | string): string {
    const upload = `uploadId=${encodeURIComponent(this.uploadId)}`;
    return partNumber === undefined ? upload : `partNumber=${partNumber}&${upload}`;
  }
}

/** Opens an upload. @throws Error when the server refuses. */
export async function createUpload(
  bucket: BucketClient,
  key: string,
  headers: HeaderFields = {},
): Promise<MultipartUpload> {
  const response = await bucket.send(key, { method: "POST", query: "uploads", headers });
  const uploadId = readXmlText(response.text, "UploadId");
  if (response.status !== 200 || uploadId === undefined) {
    throw new Error(`CreateMultipartUpload answered ${response.status}: ${response.text}`);
  }
  return new MultipartUpload(bucket, key, uploadId);
}

/** A CompleteMultipartUpload document. */
export function renderParts(parts: readonly ListedPart[]): string {
  const elements = parts.map(
    ({ number, etag, extra = "" }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXmlText(etag)}</ETag>${extra}</Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${elements.join("")}</CompleteMultipartUpload>`;
}
