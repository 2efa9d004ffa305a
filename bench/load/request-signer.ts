/** Whose requests, and where to. */
export interface SignerOptions {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** Value of the `host` header, with the port. */
  readonly host: string;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly nowMs?: () => number;
}

/** One request head. `path` and `query` are already canonical: percent-encoded, query sorted by name. */
export interface RequestLine {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Lower-case hex SHA-256 of the body. */
  readonly sha256: string;
  /** Base64 CRC-32 of the body, sent as `x-amz-checksum-crc32` as SDKs do by default; none when undefined. */
  readonly crc32?: string;
  /** Sent as `content-length`; none when undefined. */
  readonly contentLength?: number;
}

/** SHA-256 of the empty body. */
export const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** After this many milliseconds a signer takes a new timestamp; S3 accepts 15 minutes of skew. */
const timestampLifeMs = 60_000;

/**
 * Signs requests with SigV4 in the `authorization` header, about 4 microseconds each.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export class RequestSigner {
  readonly #options: SignerOptions;
  #timestampMs = 0;
  #timestamp = "";
  #scope = "";
  #signingKey: Uint8Array = new Uint8Array(0);

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /** The whole request head, with the empty line that ends it; ASCII. */
  signHead(line: RequestLine): string {
    const headers = this.signHeaders(line);
    const length = line.contentLength === undefined ? "" : `content-length: ${line.contentLength}\r\n`;
    const query = line.query === "" ? "" : `?${line.query}`;
    return (
      `${line.method} ${line.path}${query} HTTP/1.1\r\nhost: ${this.#options.host}\r\n` +
      (line.crc32 === undefined ? "" : `x-amz-checksum-crc32: ${line.crc32}\r\n`) +
      `x-amz-content-sha256: ${line.sha256}\r\nx-amz-date: ${headers["x-amz-date"]}\r\n` +
      `authorization: ${headers.authorization}\r\n${length}\r\n`
    );
  }

  /** The headers that `fetch` needs beside its own. */
  signHeaders(line: RequestLine): {
    readonly authorization: string;
    readonly "x-amz-date": string;
    readonly "x-amz-content-sha256": string;
  } {
    this.#refresh();
    const hasChecksum = line.crc32 !== undefined;
    const checksum = hasChecksum ? `x-amz-checksum-crc32:${line.crc32}\n` : "";
    const signed = `host;${hasChecksum ? "x-amz-checksum-crc32;" : ""}x-amz-content-sha256;x-amz-date`;
    const canonical =
      `${line.method}\n${line.path}\n${line.query}\n` +
      `host:${this.#options.host}\n${checksum}x-amz-content-sha256:${line.sha256}\nx-amz-date:${this.#timestamp}\n\n` +
      `${signed}\n${line.sha256}`;
    const digest = Bun.SHA256.hash(canonical, "hex");
    const signature = hmac(this.#signingKey, `AWS4-HMAC-SHA256\n${this.#timestamp}\n${this.#scope}\n${digest}`).digest(
      "hex",
    );
    return {
      authorization:
        `AWS4-HMAC-SHA256 Credential=${this.#options.accessKey}/${this.#scope}, ` +
        `SignedHeaders=${signed}, Signature=${signature}`,
      "x-amz-date": this.#timestamp,
      "x-amz-content-sha256": line.sha256,
    };
  }

  #refresh(): void {
    const nowMs = (this.#options.nowMs ?? Date.now)();
    if (nowMs - this.#timestampMs < timestampLifeMs) return;
    const { region, secretKey } = this.#options;
    this.#timestampMs = nowMs;
    this.#timestamp = `${new Date(nowMs).toISOString().replaceAll(/[-:]/g, "").slice(0, 15)}Z`;
    const date = this.#timestamp.slice(0, 8);
    this.#scope = `${date}/${region}/s3/aws4_request`;
    let key = hmac(Buffer.from(`AWS4${secretKey}`), date).digest();
    for (const part of [region, "s3", "aws4_request"]) key = hmac(key, part).digest();
    this.#signingKey = key;
  }
}

function hmac(key: Uint8Array, text: string): Bun.CryptoHasher {
  return new Bun.CryptoHasher("sha256", key).update(text);
}
