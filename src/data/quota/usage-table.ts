import type { Usage } from "#kernel/protocol/quota.ts";

/** Slots of the table: what finds none is not published, and judged in its commit only. */
const slotCount = 16_384;
/** Slots that an id may have: those behind one another from where its hash points. */
const ways = 8;
/** Cells of a slot: hash of the id (0: free), bytes, objects; the last one fills the slot to half a cache line. */
const slotCells = 4;

/** Shared memory for the table, all zero: made once, handed to the writer and every worker. */
export function createUsageTable(): SharedArrayBuffer {
  return new SharedArrayBuffer(slotCount * slotCells * BigInt64Array.BYTES_PER_ELEMENT);
}

/**
 * What buckets and tenants hold, for workers that want to refuse an upload before they read it. The writer publishes each
 * commit before it answers it, so a worker sees at least all that was acknowledged.
 */
export class UsageTable {
  readonly #cells: BigInt64Array;

  constructor(table: SharedArrayBuffer) {
    this.#cells = new BigInt64Array(table);
  }

  /** Forgets all: what another life of the writer published. */
  clear(): void {
    for (let cell = 0; cell < this.#cells.length; cell += slotCells) Atomics.store(this.#cells, cell, 0n);
  }

  /** Takes a free slot for an id that has none; by the writer. @returns its number, undefined when all are taken */
  take(id: string): number | undefined {
    const hash = hashOf(id);
    const first = firstSlot(hash);
    for (let way = 0; way < ways; way++) {
      const slot = (first + way) % slotCount;
      if (Atomics.load(this.#cells, slot * slotCells) !== 0n) continue;
      this.publish(slot, { bytes: 0, objects: 0 });
      Atomics.store(this.#cells, slot * slotCells, hash);
      return slot;
    }
    return undefined;
  }

  /** Says what the id of a taken slot holds. */
  publish(slot: number, usage: Usage): void {
    Atomics.store(this.#cells, slot * slotCells + 1, BigInt(usage.bytes));
    Atomics.store(this.#cells, slot * slotCells + 2, BigInt(usage.objects));
  }

  /** Gives a slot back. */
  free(slot: number): void {
    Atomics.store(this.#cells, slot * slotCells, 0n);
  }

  /** What an id holds; undefined when nobody has published it. Bytes and objects may be of two commits. */
  find(id: string): Usage | undefined {
    const hash = hashOf(id);
    const first = firstSlot(hash);
    for (let way = 0; way < ways; way++) {
      const cell = ((first + way) % slotCount) * slotCells;
      if (Atomics.load(this.#cells, cell) !== hash) continue;
      const usage = {
        bytes: Number(Atomics.load(this.#cells, cell + 1)),
        objects: Number(Atomics.load(this.#cells, cell + 2)),
      };
      // The slot may have become another's meanwhile.
      return Atomics.load(this.#cells, cell) === hash ? usage : undefined;
    }
    return undefined;
  }
}

function hashOf(id: string): bigint {
  return BigInt.asIntN(64, Bun.hash.xxHash64(id)) || 1n;
}

function firstSlot(hash: bigint): number {
  return Number(BigInt.asUintN(32, hash)) % slotCount;
}
