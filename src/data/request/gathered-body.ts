import type { S3Request } from "./s3-request.ts";

const nothing: Uint8Array = new Uint8Array(0);

/**
 * A body in one piece of memory that grows as it arrives, by doubling, never beyond its limit: what it takes of the worker's
 * budget is what it holds, in however small pieces it comes.
 */
export class GatheredBody {
  readonly #request: Pick<S3Request, "gather">;
  readonly #limitBytes: number;
  #buffer = nothing;
  #length = 0;

  /** @param limitBytes of the whole body; a body of exactly this length, in one piece, is copied once */
  constructor(request: Pick<S3Request, "gather">, limitBytes: number) {
    this.#request = request;
    this.#limitBytes = limitBytes;
  }

  /**
   * Appends a piece that fits in the limit; one that is pending must be awaited before the next.
   * @returns undefined, or a promise when it waits for room; the piece must stay as it is until then
   * @throws S3Error SlowDown, also as rejection
   */
  append(piece: Uint8Array): Promise<void> | undefined {
    const length = this.#length + piece.length;
    if (length <= this.#buffer.length) {
      this.#add(piece);
      return undefined;
    }
    const capacity = Math.min(this.#limitBytes, Math.max(length, this.#buffer.length * 2));
    const waiting = this.#request.gather(capacity - this.#buffer.length);
    if (waiting !== undefined) return waiting.then(() => this.#grow(capacity, piece));
    this.#grow(capacity, piece);
    return undefined;
  }

  /** Bytes appended so far. */
  get length(): number {
    return this.#length;
  }

  /** What was appended; not a copy. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(capacity: number, piece: Uint8Array): void {
    const grown = Buffer.allocUnsafe(capacity);
    grown.set(this.bytes);
    this.#buffer = grown;
    this.#add(piece);
  }

  #add(piece: Uint8Array): void {
    this.#buffer.set(piece, this.#length);
    this.#length += piece.length;
  }
}
