import { S3Error } from "#kernel/s3/s3-error.ts";
import type { ChunkSeed } from "#kernel/sigv4/authentication.ts";
import { ChunkSignatureChain, emptySha256 } from "#kernel/sigv4/chunk-signature.ts";
import { AwsChunkedTrailer } from "./aws-chunked-trailer.ts";
import { SmallChunks } from "./small-chunks.ts";

/** Longest chunk header, without its line break. */
const maxChunkHeaderBytes = 256;

/** What the request's headers announced about its body. */
export interface AwsChunkedOptions {
  /** Each chunk carries a signature. */
  readonly signed: boolean;
  /** A section of headers follows the final chunk. */
  readonly trailer: boolean;
  /** Start of the chain of signatures; wanted exactly when `signed`. */
  readonly seed?: ChunkSeed;
  /** `x-amz-decoded-content-length`: bytes of data, 0 or more. */
  readonly decodedLength: number;
  /** Names announced by `x-amz-trailer`; compared without case. */
  readonly trailerNames: readonly string[];
}

/** Receives the data of the body, in order, as views into the bytes pushed: valid until the sink returns. */
export type ChunkSink = (data: Uint8Array) => void;

type DecoderState = "header" | "data" | "dataEnd" | "trailer" | "bodyEnd" | "done";

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const signatureExtension = ";chunk-signature=";

/**
 * Decodes an aws-chunked body pushed in pieces of any size, without copying data and without ever allocating by a size
 * the client names. Data reaches the sink before its chunk's signature is known: nothing may be committed before
 * `finish` returns.
 * Source: AWS "Transferring Payload in Multiple Chunks (Chunked Upload)" and "... Including Trailing Headers".
 */
export class AwsChunkedDecoder {
  readonly #chain: ChunkSignatureChain | undefined;
  readonly #hasher: Bun.CryptoHasher | undefined;
  readonly #trailer: AwsChunkedTrailer | undefined;
  readonly #header = new Uint8Array(maxChunkHeaderBytes + 2);
  #headerBytes = 0;
  #state: DecoderState = "header";
  /** Bytes of the current chunk still to come. */
  #chunkBytes = 0;
  #chunkSignature = "";
  /** Bytes of the two that end a chunk or the body already seen. */
  #lineEndBytes = 0;
  /** Bytes of data that no chunk has announced yet. */
  #remainingBytes: number;
  readonly #chunks = new SmallChunks();
  #isUntouched = true;
  #failure: unknown;

  /** @throws InvalidRequest when more than one checksum is announced, or signed chunks come without a seed. */
  constructor(options: AwsChunkedOptions) {
    if (options.signed) {
      if (options.seed === undefined)
        throw new S3Error("InvalidRequest", { message: "Signed chunks need a signed request" });
      this.#chain = new ChunkSignatureChain(options.seed);
      this.#hasher = new Bun.CryptoHasher("sha256");
    }
    if (options.trailer) this.#trailer = new AwsChunkedTrailer(options.trailerNames, this.#chain);
    this.#remainingBytes = options.decodedLength;
  }

  /**
   * Decodes the next bytes of the body. After a throw every further call throws the same.
   * @throws InvalidRequest (malformed or too long chunk header, too many small chunks, bytes after the end), IncompleteBody (more data than
   * `decodedLength`, or less), SignatureDoesNotMatch, MalformedTrailerError.
   */
  push(bytes: Uint8Array, sink: ChunkSink): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (bytes.length > 0) this.#isUntouched = false;
    try {
      let offset = 0;
      while (offset < bytes.length) offset = this.#step(bytes, offset, sink);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /**
   * Ends the body: only now may its data be committed.
   * @returns the trailers, lower-case names, latin1 values; the trailer's signature is not one of them.
   * @throws what `push` threw; IncompleteBody when bytes are missing; MalformedTrailerError when announced trailers are.
   */
  finish(): { readonly trailers: Readonly<Record<string, string>> } {
    if (this.#failure !== undefined) throw this.#failure;
    // Some clients frame an empty stream as an empty body. Its length was signed, so nothing can have been cut off.
    if (
      this.#isUntouched &&
      this.#remainingBytes === 0 &&
      (this.#trailer === undefined || this.#trailer.isNothingAnnounced)
    ) {
      return { trailers: {} };
    }
    if (this.#state === "trailer") this.#trailer?.refuseMissing();
    if (this.#state !== "done") throw incompleteBody();
    return { trailers: this.#trailer?.trailers ?? {} };
  }

  /** Handles the bytes of one state from `offset` on; returns where the next begins. */
  #step(bytes: Uint8Array, offset: number, sink: ChunkSink): number {
    switch (this.#state) {
      case "header":
        return this.#readHeader(bytes, offset);
      case "data":
        return this.#passData(bytes, offset, sink);
      case "dataEnd":
        return this.#readLineEnd(bytes, offset, "header");
      case "bodyEnd":
        return this.#readLineEnd(bytes, offset, "done");
      case "trailer":
      case "done":
        return this.#readTrailer(bytes, offset);
    }
  }

  #readHeader(bytes: Uint8Array, start: number): number {
    const header = this.#header;
    let length = this.#headerBytes;
    for (let offset = start; offset < bytes.length; offset++) {
      const byte = bytes[offset] ?? 0;
      if (byte === lineFeed) {
        this.#headerBytes = 0;
        this.#beginChunk(length);
        return offset + 1;
      }
      if (length > maxChunkHeaderBytes)
        throw malformedChunk(`A chunk header is longer than ${maxChunkHeaderBytes} bytes`);
      header[length++] = byte;
    }
    this.#headerBytes = length;
    return bytes.length;
  }

  /** @param length bytes of the header line in `#header`, its CR included. */
  #beginChunk(length: number): void {
    const header = this.#header;
    if (header[length - 1] !== carriageReturn) throw malformedChunk("A chunk header must end with CR LF");
    const end = length - 1;
    let size = 0;
    let offset = 0;
    for (; offset < end; offset++) {
      const digit = hexDigit(header[offset] ?? 0);
      if (digit < 0) break;
      size = size * 16 + digit;
      // Checked at each digit, so that no size outgrows exact integers.
      if (size > this.#remainingBytes) throw incompleteBody();
    }
    if (offset === 0) throw malformedChunk("A chunk header must start with the size in hex");
    this.#chunkSignature = this.#readChunkSignature(offset, end);
    this.#chunkBytes = size;
    this.#remainingBytes -= size;
    if (size > 0) {
      this.#chunks.add(size);
      this.#state = "data";
      return;
    }
    if (this.#remainingBytes > 0) throw incompleteBody();
    this.#chain?.verifyChunk(emptySha256, this.#chunkSignature);
    this.#state = this.#trailer === undefined ? "bodyEnd" : "trailer";
  }

  #readChunkSignature(start: number, end: number): string {
    if (this.#chain === undefined) {
      if (start < end) throw malformedChunk("An unsigned chunk header must be a size in hex");
      return "";
    }
    const extension = Buffer.from(this.#header.buffer, start, end - start).toString("latin1");
    if (!extension.startsWith(signatureExtension))
      throw malformedChunk("A signed chunk header must have a chunk-signature");
    return extension.slice(signatureExtension.length);
  }

  #passData(bytes: Uint8Array, offset: number, sink: ChunkSink): number {
    const end = Math.min(bytes.length, offset + this.#chunkBytes);
    const data = bytes.subarray(offset, end);
    this.#hasher?.update(data);
    this.#chunkBytes -= data.length;
    sink(data);
    if (this.#chunkBytes === 0) {
      // `digest` leaves the hasher ready for the next chunk.
      if (this.#hasher !== undefined) this.#chain?.verifyChunk(this.#hasher.digest("hex"), this.#chunkSignature);
      this.#state = "dataEnd";
    }
    return end;
  }

  #readLineEnd(bytes: Uint8Array, offset: number, next: "header" | "done"): number {
    if (bytes[offset] !== (this.#lineEndBytes === 0 ? carriageReturn : lineFeed)) {
      throw malformedChunk("The data of a chunk must be followed by CR LF");
    }
    this.#lineEndBytes++;
    if (this.#lineEndBytes === 2) {
      this.#lineEndBytes = 0;
      this.#state = next;
    }
    return offset + 1;
  }

  #readTrailer(bytes: Uint8Array, offset: number): number {
    if (this.#trailer === undefined) throw malformedChunk("Bytes follow the final chunk");
    const end = this.#trailer.push(bytes, offset);
    if (this.#trailer.isComplete) this.#state = "done";
    return end;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function malformedChunk(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}

function incompleteBody(): S3Error {
  return new S3Error("IncompleteBody", {
    message: "The body does not have the number of bytes that x-amz-decoded-content-length announced",
  });
}
