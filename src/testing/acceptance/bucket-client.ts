import type { S3Client, S3Request, S3Response } from "./s3-client.ts";
import { encodePath, type HeaderFields } from "./sign-v4.ts";

/** One bucket as tests talk to it, path style. */
export class BucketClient {
  readonly name: string;
  readonly s3: S3Client;

  constructor(s3: S3Client, name: string) {
    this.s3 = s3;
    this.name = name;
  }

  /** Stores an object. A text is sent as UTF-8. */
  put(key: string, body: Uint8Array | string, headers: HeaderFields = {}): Promise<S3Response> {
    return this.s3.send({ method: "PUT", target: this.target(key), body, headers });
  }

  /** Reads an object or, with `query`, one of its sub-resources. */
  get(key: string, headers: HeaderFields = {}, query = ""): Promise<S3Response> {
    return this.s3.send({ method: "GET", target: this.target(key, query), headers });
  }

  /** Asks for an object's headers. */
  head(key: string, headers: HeaderFields = {}): Promise<S3Response> {
    return this.s3.send({ method: "HEAD", target: this.target(key), headers });
  }

  /** Deletes an object. */
  delete(key: string, headers: HeaderFields = {}, query = ""): Promise<S3Response> {
    return this.s3.send({ method: "DELETE", target: this.target(key, query), headers });
  }

  /** A request to one key: `query` without its question mark. */
  send(key: string, request: Omit<S3Request, "target"> & { readonly query?: string }): Promise<S3Response> {
    return this.s3.send({ ...request, target: this.target(key, request.query) });
  }

  /** A read of the bucket itself: a listing, when `query` names no sub-resource. */
  list(query = ""): Promise<S3Response> {
    return this.s3.send({ method: "GET", target: this.target(undefined, query) });
  }

  /** A request to the bucket itself: `query` without its question mark. */
  sendToBucket(request: Omit<S3Request, "target"> & { readonly query?: string }): Promise<S3Response> {
    return this.s3.send({ ...request, target: this.target(undefined, request.query) });
  }

  /** The raw request target of a key or of the bucket. */
  target(key?: string, query = ""): string {
    const path = key === undefined ? `/${this.name}` : `/${this.name}/${encodePath(key)}`;
    return query === "" ? path : `${path}?${query}`;
  }
}
