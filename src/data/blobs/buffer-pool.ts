/** Bytes of one pooled buffer: four segments. */
export const bufferBytes = 262_144;

/**
 * A fixed number of equal buffers. Who asks when all are out waits in line: memory stays bounded and the wait becomes
 * back-pressure on the socket.
 */
export class BufferPool {
  readonly #free: Uint8Array[] = [];
  readonly #waiting: ((buffer: Uint8Array) => void)[] = [];
  #servedCount = 0;
  #made = 0;
  readonly #limit: number;

  /** @param limit buffers at most; each is made when first needed */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A buffer of `bufferBytes`; its content is arbitrary. Give it back with `release`. */
  acquire(): Uint8Array | Promise<Uint8Array> {
    const buffer = this.#free.pop();
    if (buffer) return buffer;
    if (this.#made < this.#limit) {
      this.#made += 1;
      return Buffer.allocUnsafeSlow(bufferBytes);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Returns a buffer; the caller must not touch it any more. */
  release(buffer: Uint8Array): void {
    const next = this.#waiting.shift();
    if (!next) {
      this.#free.push(buffer);
      return;
    }
    this.#servedCount += 1;
    next(buffer);
  }

  /**
   * Lets whoever waits have the buffer and lines up again; the same buffer at once when nobody waits. For work that needs
   * one again and again, so that long transfers take turns. The caller must not touch the buffer before it has the new one.
   */
  rotate(buffer: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (this.#waiting.length === 0) return buffer;
    const next = this.acquire();
    this.release(buffer);
    return next;
  }

  /** Who waits: how many, and a number that stays the same as long as the first of them is not served. */
  get line(): { readonly waitingCount: number; readonly servedCount: number } {
    return { waitingCount: this.#waiting.length, servedCount: this.#servedCount };
  }

  /** Buffers handed out and not yet returned. */
  get used(): number {
    return this.#made - this.#free.length;
  }
}
