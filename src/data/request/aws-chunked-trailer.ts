import { S3Error } from "#kernel/s3/s3-error.ts";
import type { ChunkSignatureChain } from "#kernel/sigv4/chunk-signature.ts";

/** Most bytes the trailer may have, line breaks included. */
const maxTrailerBytes = 4096;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const signatureName = "x-amz-trailer-signature";

/**
 * Reads the headers that follow the final chunk: exactly those announced, each once, then the trailer's signature when
 * chunks are signed, then an empty line. Lines end with LF or CR LF; empty lines before all have come, and one after
 * the last, are skipped, because widely used clients send them.
 * Source: AWS "Signature Calculations for the Authorization Header: Including Trailing Headers".
 */
export class AwsChunkedTrailer {
  readonly #announced: ReadonlySet<string>;
  readonly #chain: ChunkSignatureChain | undefined;
  readonly #received = new Map<string, string>();
  #line: Uint8Array | undefined;
  #lineBytes = 0;
  #totalBytes = 0;
  /** What the trailer's signature covers: lines `name:value\n` in the order sent, latin1. */
  #signedText = "";
  #isSignatureVerified = false;
  #isComplete = false;

  /**
   * @param names as announced by `x-amz-trailer`.
   * @param chain present when the trailer is signed.
   * @throws InvalidRequest when more than one checksum is announced.
   */
  constructor(names: readonly string[], chain: ChunkSignatureChain | undefined) {
    this.#announced = new Set(names.map((name) => name.toLowerCase()));
    this.#chain = chain;
    let checksums = 0;
    for (const name of this.#announced) if (name.startsWith("x-amz-checksum-")) checksums++;
    if (checksums > 1) throw new S3Error("InvalidRequest", { message: "Expecting a single x-amz-checksum- trailer" });
  }

  get isNothingAnnounced(): boolean {
    return this.#announced.size === 0;
  }

  /** True once the empty line that ends the trailer was read. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The trailers received, lower-case names, latin1 values. */
  get trailers(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#received);
  }

  /**
   * Reads at most one line from `start` on.
   * @returns offset after the bytes read.
   * @throws MalformedTrailerError, SignatureDoesNotMatch
   */
  push(bytes: Uint8Array, start: number): number {
    this.#line ??= new Uint8Array(maxTrailerBytes);
    for (let offset = start; offset < bytes.length; offset++) {
      if (++this.#totalBytes > maxTrailerBytes) throw malformed(`The trailer is longer than ${maxTrailerBytes} bytes`);
      const byte = bytes[offset] ?? 0;
      if (this.#isComplete && byte !== lineFeed && byte !== carriageReturn)
        throw malformed("Bytes follow the end of the trailer");
      if (byte === lineFeed) {
        const text = Buffer.from(this.#line.buffer, 0, this.#lineBytes).toString("latin1");
        this.#lineBytes = 0;
        this.#readLine(text.endsWith("\r") ? text.slice(0, -1) : text);
        return offset + 1;
      }
      this.#line[this.#lineBytes++] = byte;
    }
    return bytes.length;
  }

  /** @throws MalformedTrailerError when the body ended between lines and something announced did not come. */
  refuseMissing(): void {
    if (this.#lineBytes === 0 && !this.#hasEverything())
      throw malformed("The trailer lacks what x-amz-trailer announced, or its signature");
  }

  #readLine(line: string): void {
    if (line === "") {
      if (this.#hasEverything()) this.#isComplete = true;
      return;
    }
    if (this.#isComplete || this.#isSignatureVerified) throw malformed("Bytes follow the end of the trailer");
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || /[\x00-\x08\x0a-\x1f\x7f]/.test(value)) {
      throw malformed("A line of the trailer is not name:value");
    }
    if (name === signatureName && this.#chain !== undefined) {
      this.#verifySignature(this.#chain, value);
      return;
    }
    if (!this.#announced.has(name)) throw malformed("A trailer was sent that x-amz-trailer did not announce");
    if (this.#received.has(name)) throw malformed("A trailer was sent twice");
    this.#received.set(name, value);
    this.#signedText += `${name}:${value}\n`;
  }

  #verifySignature(chain: ChunkSignatureChain, provided: string): void {
    if (this.#received.size !== this.#announced.size)
      throw malformed("The trailer's signature must follow all trailers");
    chain.verifyTrailer(Bun.SHA256.hash(Buffer.from(this.#signedText, "latin1"), "hex"), provided);
    this.#isSignatureVerified = true;
  }

  #hasEverything(): boolean {
    return this.#received.size === this.#announced.size && (this.#chain === undefined || this.#isSignatureVerified);
  }
}

function malformed(message: string): S3Error {
  return new S3Error("MalformedTrailerError", { message });
}
