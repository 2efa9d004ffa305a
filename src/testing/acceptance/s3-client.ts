import type { Credentials, ServerProcess } from "../server-process.ts";
import { BucketClient } from "./bucket-client.ts";
import { ConnectionEndedError, openConnection, type RawConnection, type RawResponse } from "./raw-connection.ts";
import { type ChunkSeed, type HeaderFields, presignTarget, sha256Hex, signHeaders } from "./sign-v4.ts";
import { readXmlText } from "./xml-text.ts";

/** A request as a test writes it down. */
export interface S3Request {
  readonly method: string;
  /** Raw path and query, as {@link BucketClient.target} makes it. */
  readonly target: string;
  readonly headers?: HeaderFields;
  /** A text is sent as UTF-8. */
  readonly body?: Uint8Array | string;
  /** Another caller than the client's own; null is nobody (no signature). */
  readonly credentials?: Credentials | null;
  /** Value of `x-amz-content-sha256`; the body's own hash when absent. */
  readonly payloadHash?: string;
  /** Time of signing, in milliseconds since 1970; now when absent. */
  readonly dateMs?: number;
  readonly host?: string;
}

/** A response with what tests ask of it. */
export interface S3Response extends RawResponse {
  /** The body as UTF-8. */
  readonly text: string;
  /** `<Code>` of an error document, "" when there is none. */
  readonly code: string;
}

/** Head and body of a request, ready for the wire. */
export interface PreparedRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly head: string;
  readonly body: Uint8Array;
  readonly seed: ChunkSeed | undefined;
}

/** A client without opinions: raw targets and headers in, raw responses out; connections are kept and reused. */
export class S3Client {
  readonly port: number;
  readonly credentials: Credentials;
  readonly #idle: RawConnection[] = [];

  constructor(port: number, credentials: Credentials) {
    this.port = port;
    this.credentials = credentials;
  }

  /** Sends a request and reads its response. @throws Error when the server cuts the connection. */
  async send(request: S3Request): Promise<S3Response> {
    const prepared = this.prepare(request);
    const reused = this.#idle.pop();
    if (reused !== undefined && !reused.ended) {
      try {
        return await this.#exchange(reused, prepared);
      } catch (error) {
        if (!(error instanceof ConnectionEndedError)) throw error;
      }
    }
    return this.#exchange(await openConnection({ port: this.port }), prepared);
  }

  /** Signs a request and renders its head, but sends nothing. */
  prepare(request: S3Request): PreparedRequest {
    const body = typeof request.body === "string" ? Buffer.from(request.body) : (request.body ?? new Uint8Array());
    const headers: Record<string, string> = { host: request.host ?? `127.0.0.1:${this.port}` };
    const wantsLength = body.length > 0 || request.method === "PUT" || request.method === "POST";
    if (wantsLength) headers["content-length"] = String(body.length);
    Object.assign(headers, request.headers);
    for (const [name, value] of Object.entries(headers)) if (value === "") delete headers[name];
    const { method, target } = request;
    if (request.credentials === null)
      return { method, headers, head: renderHead(method, target, headers), body, seed: undefined };
    headers["x-amz-content-sha256"] = request.payloadHash ?? sha256Hex(body);
    const signed = signHeaders({
      method,
      target,
      headers,
      credentials: request.credentials ?? this.credentials,
      dateMs: request.dateMs ?? Date.now(),
      region: "us-east-1",
    });
    return {
      method,
      headers: signed.headers,
      head: renderHead(method, target, signed.headers),
      body,
      seed: signed.seed,
    };
  }

  /** A target with a signature in its query, valid for `expiresSeconds`. */
  presign(
    method: string,
    target: string,
    options: { expiresSeconds?: number; dateMs?: number; headers?: HeaderFields } = {},
  ): string {
    const headers = { host: `127.0.0.1:${this.port}`, ...options.headers };
    const { credentials } = this;
    const dateMs = options.dateMs ?? Date.now();
    return presignTarget(
      { method, target, headers, credentials, dateMs, region: "us-east-1" },
      options.expiresSeconds ?? 300,
    );
  }

  /** Makes a bucket. @throws Error when the server refuses. */
  async createBucket(name: string): Promise<BucketClient> {
    const bucket = new BucketClient(this, name);
    const response = await bucket.sendToBucket({ method: "PUT" });
    if (response.status !== 200) throw new Error(`CreateBucket answered ${response.status}: ${response.text}`);
    return bucket;
  }

  /** Closes all idle connections. */
  close(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  async #exchange(connection: RawConnection, prepared: PreparedRequest): Promise<S3Response> {
    try {
      void connection.write(prepared.head);
      if (prepared.body.length > 0) void connection.write(prepared.body);
      const response = await connection.readResponse(prepared.method);
      if (response.keepAlive) this.#idle.push(connection);
      else connection.destroy();
      return withText(response);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }
}

/** A client with the administrator's key. */
export function clientOf(server: ServerProcess, credentials: Credentials = server.credentials): S3Client {
  return new S3Client(server.s3Port, credentials);
}

/** Adds text and error code to a raw response. */
export function withText(response: RawResponse): S3Response {
  const isXml = response.headers["content-type"]?.includes("xml") === true;
  const text = response.body.length < 8 * 1024 * 1024 ? response.body.toString("utf8") : "";
  return { ...response, text, code: isXml && text.includes("<Error>") ? (readXmlText(text, "Code") ?? "") : "" };
}

/** The head of a request with its empty line, as latin1 text. */
export function renderHead(method: string, target: string, headers: HeaderFields): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
