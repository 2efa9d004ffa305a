/** Receives the body of the response being parsed. */
export interface BodySink {
  /** `piece` is only valid during the call; `offset` counts body bytes before it. */
  onBody(piece: Uint8Array, offset: number): void;
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const headLimitBytes = 64 * 1024;
const headEnd = Buffer.from("\r\n\r\n");

type Phase = "head" | "sized" | "chunked";

/**
 * Parses one HTTP/1.1 response at a time from the pieces a socket delivers. Knows what a load generator needs and no more:
 * status, `content-length`, `transfer-encoding: chunked`, `etag`. Call `begin` before each response.
 */
export class ResponseParser {
  /** Status of the last response, 100 to 599; 0 before its head has arrived. */
  status = 0;
  /** Value of `content-length`; -1 without one. */
  contentLength = -1;
  /** Value of `etag` with its quotes; empty without one. */
  etag = "";
  /** Body bytes seen so far. */
  bodyBytes = 0;
  #phase: Phase = "head";
  #bodyless = false;
  #chunked = false;
  #held: Buffer | undefined;
  readonly #sink: BodySink;

  constructor(sink: BodySink) {
    this.#sink = sink;
  }

  /** @param bodyless true for the answer of a HEAD request */
  begin(bodyless: boolean): void {
    this.status = 0;
    this.contentLength = -1;
    this.etag = "";
    this.bodyBytes = 0;
    this.#phase = "head";
    this.#bodyless = bodyless;
    this.#chunked = false;
    this.#held = undefined;
  }

  /**
   * Takes what the socket delivered. @returns true when the response is complete
   * @throws Error when the bytes are no HTTP/1.1 response, or more of them arrive than the response has
   */
  feed(chunk: Buffer): boolean {
    let bytes = chunk;
    if (this.#held !== undefined) {
      bytes = Buffer.concat([this.#held, chunk]);
      this.#held = undefined;
    }
    if (this.#phase === "head") {
      const bodyStart = this.#readHead(bytes);
      if (bodyStart < 0) {
        if (bytes.length > headLimitBytes) throw new Error("Response head is longer than 64 KiB");
        this.#held = Buffer.from(bytes);
        return false;
      }
      if (this.status < 200) {
        this.#phase = "head";
        return bodyStart < bytes.length ? this.feed(bytes.subarray(bodyStart)) : false;
      }
      return this.#readBody(bytes, bodyStart);
    }
    return this.#readBody(bytes, 0);
  }

  #readBody(bytes: Buffer, start: number): boolean {
    return this.#phase === "chunked" ? this.#readChunks(bytes, start) : this.#readSized(bytes, start);
  }

  /** @returns offset of the body, or -1 when the head is not complete */
  #readHead(bytes: Buffer): number {
    const end = bytes.indexOf(headEnd);
    if (end < 0) return -1;
    this.status = digit(bytes, 9) * 100 + digit(bytes, 10) * 10 + digit(bytes, 11);
    if (bytes[0] !== 0x48 || this.status < 100 || this.status > 599) throw new Error("Answer is not HTTP/1.1");
    let line = bytes.indexOf(lineFeed) + 1;
    while (line > 0 && line < end) {
      this.#readField(bytes, line, end);
      line = nextLine(bytes, line, end);
    }
    this.#phase = this.#chunked ? "chunked" : "sized";
    if (this.#bodyless || this.status === 204 || this.status === 304) {
      this.#bodyless = true;
      this.#phase = "sized";
    }
    return end + 4;
  }

  #readField(bytes: Buffer, line: number, end: number): void {
    const first = (bytes[line] ?? 0) | 0x20;
    if (first === 0x63 && isName(bytes, line, contentLengthName)) {
      let value = 0;
      for (let at = line + contentLengthName.length; at < end; at += 1) {
        const byte = bytes[at] ?? 0;
        if (byte === carriageReturn) break;
        if (byte >= 0x30 && byte <= 0x39) value = value * 10 + byte - 0x30;
      }
      this.contentLength = value;
    } else if (first === 0x65 && isName(bytes, line, etagName)) {
      this.etag = bytes.toString("latin1", line + etagName.length, nextLine(bytes, line, end)).trim();
    } else if (first === 0x74 && isName(bytes, line, transferEncodingName)) {
      this.#chunked = true;
    }
  }

  #readSized(bytes: Buffer, start: number): boolean {
    const size = this.#bodyless ? 0 : this.contentLength;
    if (size < 0) throw new Error("Answer has neither content-length nor chunks");
    if (bytes.length > start) this.#emit(bytes, start, bytes.length);
    if (this.bodyBytes > size) throw new Error(`Answer is longer than its ${size} bytes`);
    return this.bodyBytes === size;
  }

  #readChunks(bytes: Buffer, start: number): boolean {
    let at = start;
    while (at < bytes.length) {
      const lineEnd = bytes.indexOf(lineFeed, at);
      if (lineEnd < 0) break;
      const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
      if (Number.isNaN(size)) throw new Error("Chunk size is not a number");
      if (bytes.length < lineEnd + 1 + size + 2) break;
      if (size === 0) return true;
      this.#emit(bytes, lineEnd + 1, lineEnd + 1 + size);
      at = lineEnd + 1 + size + 2;
    }
    this.#held = at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined;
    return false;
  }

  #emit(bytes: Buffer, start: number, end: number): void {
    const offset = this.bodyBytes;
    this.bodyBytes += end - start;
    this.#sink.onBody(bytes.subarray(start, end), offset);
  }
}

const contentLengthName = Buffer.from("content-length:");
const etagName = Buffer.from("etag:");
const transferEncodingName = Buffer.from("transfer-encoding:");

function digit(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) - 0x30;
}

/** Start of the line after the one that holds `at`; `end` at the last. */
function nextLine(bytes: Buffer, at: number, end: number): number {
  let index = at;
  while (index < end && bytes[index] !== lineFeed) index += 1;
  return index < end ? index + 1 : end;
}

function isName(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let index = 0; index < name.length; index += 1) {
    const byte = bytes[at + index] ?? 0;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== name[index]) return false;
  }
  return true;
}
