/** Slots of the table: a power of two. Keys that share one invalidate each other, nothing worse. */
const slotCount = 65_536;

/** Shared memory for the table, all zero: made once, handed to the writer and every worker. */
export function createChangeTable(): SharedArrayBuffer {
  return new SharedArrayBuffer(slotCount * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * Tells readers in other threads which keys may have changed, without a message. Every (bucket, key) hashes to a counter
 * that the writer makes odd before a commit and even after it. What a worker remembered is valid while the counter is
 * even and equal to what it was before the row was read; so no worker serves what another worker can already see replaced.
 * Source: H.-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
 */
export class ChangeSlots {
  readonly #slots: Int32Array;

  constructor(table: SharedArrayBuffer) {
    this.#slots = new Int32Array(table);
  }

  /** Number of the slot of a key. */
  static slotOf(bucketId: string, key: string): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < bucketId.length; i++) hash = Math.imul(hash ^ bucketId.charCodeAt(i), 0x01000193);
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    return (hash ^ (hash >>> 16)) & (slotCount - 1);
  }

  /** The counter now. Odd: a commit is under way, remember nothing. */
  read(slot: number): number {
    return Atomics.load(this.#slots, slot);
  }

  /** Called by the writer before and after a commit with the distinct slots it changes. */
  advance(slots: Iterable<number>): void {
    for (const slot of slots) Atomics.add(this.#slots, slot, 1);
  }

  /** Ends what a writer that died left odd. Called by a new writer before its first commit. */
  settle(): void {
    for (let slot = 0; slot < slotCount; slot++)
      if (Atomics.load(this.#slots, slot) & 1) Atomics.add(this.#slots, slot, 1);
  }
}
