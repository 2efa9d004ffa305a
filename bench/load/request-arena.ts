const initialBytes = 1024 * 1024;

/** Request heads signed in advance, one behind the other in one buffer: no object per request while the clock runs. */
export class RequestArena {
  #bytes = Buffer.allocUnsafe(initialBytes);
  #used = 0;
  #ends = new Uint32Array(4096);
  #count = 0;

  /** Heads stored. */
  get count(): number {
    return this.#count;
  }

  /** All heads; valid until the next `append`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Stores a head; its number is the count before. At most 4 GiB in all. */
  append(head: string): void {
    if (this.#used + head.length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(this.#bytes.length * 2);
      this.#bytes.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
    }
    if (this.#count === this.#ends.length) {
      const larger = new Uint32Array(this.#ends.length * 2);
      larger.set(this.#ends);
      this.#ends = larger;
    }
    this.#used += this.#bytes.write(head, this.#used, "latin1");
    this.#ends[this.#count] = this.#used;
    this.#count += 1;
  }

  /** First byte of head `index`. */
  startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }

  /** The byte after head `index`. */
  endOf(index: number): number {
    return this.#ends[index] ?? 0;
  }

  /** Forgets every head and keeps the memory. */
  clear(): void {
    this.#used = 0;
    this.#count = 0;
  }
}
