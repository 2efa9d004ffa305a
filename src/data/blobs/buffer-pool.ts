import { S3Error } from "#kernel/s3/s3-error.ts";

/** Bytes of one pooled buffer: four segments. */
export const bufferBytes = 262_144;

/** Longest wait for a buffer. Several times what it takes to cut a slow client that others wait for. */
const maxWaitMs = 20_000;

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
  readonly #maxWaitMs: number;

  /**
   * @param limit buffers at most; each is made when first needed
   * @param waitMs longest wait of `acquire`, milliseconds
   */
  constructor(limit: number, waitMs: number = maxWaitMs) {
    this.#limit = limit;
    this.#maxWaitMs = waitMs;
  }

  /**
   * A buffer of `bufferBytes`; its content is arbitrary. Give it back with `release`.
   * @throws S3Error SlowDown, as rejection, after too long a wait
   */
  acquire(): Uint8Array | Promise<Uint8Array> {
    const buffer = this.#free.pop();
    if (buffer) return buffer;
    if (this.#made < this.#limit) {
      this.#made += 1;
      return Buffer.allocUnsafeSlow(bufferBytes);
    }
    return this.#waitBounded();
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
   * Waits for as long as it takes: an answer that has begun cannot become a refusal.
   */
  rotate(buffer: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (this.#waiting.length === 0) return buffer;
    const next = new Promise<Uint8Array>((resolve) => this.#waiting.push(resolve));
    this.release(buffer);
    return next;
  }

  /** Who waits: how many, and how many have left the line, served or not. */
  get line(): { readonly waitingCount: number; readonly servedCount: number } {
    return { waitingCount: this.#waiting.length, servedCount: this.#servedCount };
  }

  /** Buffers handed out and not yet returned. */
  get used(): number {
    return this.#made - this.#free.length;
  }

  #waitBounded(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const take = (buffer: Uint8Array) => {
        clearTimeout(timer);
        resolve(buffer);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        this.#servedCount += 1;
        reject(new S3Error("SlowDown"));
      }, this.#maxWaitMs);
      this.#waiting.push(take);
    });
  }
}
