/** Slots of the table. */
const slotCount = 8_192;
/** Slots that an id may have: those behind one another from where its hash points. */
const ways = 32;
/** Cells of 8 bytes at the head of a slot: hash of the id (0: never used), requests, bytes. */
const headCells = 3;
const cellBytes = BigInt64Array.BYTES_PER_ELEMENT;

/** How much of a second's worth of requests or bytes may come at once, microseconds. */
const burstUs = 1_000_000n;
/** No debt is as old: the machine's clock was set back. */
const longestDebtUs = 86_400_000_000n;

/** What of a slot a rate is kept for. */
export type RateKind = "requests" | "bytes";

const cellOf: Readonly<Record<RateKind, number>> = { requests: 1, bytes: 2 };

/** A slot as somebody found it; it becomes another's when nothing was counted in it for a while. */
interface RateSlot {
  readonly hash: bigint;
  readonly number: number;
}

/** Where a table is used. */
export interface RateTableOptions {
  readonly table: SharedArrayBuffer;
  readonly workerIndex: number;
  readonly workerCount: number;
  /** Milliseconds that all threads agree on: those since 1970. */
  readonly nowMs: () => number;
}

/** Shared memory for the table, all zero: made once, handed to every worker. */
export function createRateTable(workerCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(slotCount * slotBytes(workerCount));
}

/**
 * Rates and connections of tenants and keys, one truth for all workers. A rate is a single number per slot, the time until
 * which what was let through is paid for: tokens come back by time alone, so a worker that dies keeps none.
 * Connections are counted per worker: who starts a worker again forgets those of the life before. Ids take a slot when
 * they are first seen; one that holds nothing any more is used again.
 * Source: generic cell rate algorithm, ITU-T I.371 annex A.
 */
export class RateTable {
  readonly #cells: BigInt64Array;
  readonly #counts: Int32Array;
  readonly #options: RateTableOptions;
  readonly #slotCells: number;

  constructor(options: RateTableOptions) {
    this.#options = options;
    this.#cells = new BigInt64Array(options.table);
    this.#counts = new Int32Array(options.table);
    this.#slotCells = slotBytes(options.workerCount) / cellBytes;
  }

  /** Forgets the connections of this worker: those of an earlier life. */
  clearConnections(): void {
    for (let slot = 0; slot < slotCount; slot++) Atomics.store(this.#counts, this.#countOf(slot, this.#own), 0);
  }

  /**
   * Lets one through when the rate has room, a second's worth at most at once.
   * @param perSecond how many; 0 lets none through
   * @returns milliseconds after which it may be tried again; 0 when it was let through
   */
  take(id: string, kind: RateKind, perSecond: number): number {
    const intervalUs = toInterval(1, perSecond);
    const slot = intervalUs === undefined ? undefined : this.#find(id);
    if (slot === undefined || intervalUs === undefined) return 1_000;
    const cell = slot.number * this.#slotCells + cellOf[kind];
    for (;;) {
      const { paidUs, fromUs, nowUs } = this.#look(cell);
      const excessUs = fromUs + intervalUs - nowUs - (intervalUs > burstUs ? intervalUs : burstUs);
      if (excessUs > 0n) return toMs(excessUs);
      if (Atomics.compareExchange(this.#cells, cell, paidUs, fromUs + intervalUs) === paidUs) return 0;
    }
  }

  /**
   * Counts what was or will be done whatever the rate; who does it waits afterwards, so that all together keep the rate.
   * @returns milliseconds to wait
   */
  charge(id: string, kind: RateKind, { amount, perSecond }: { amount: number; perSecond: number }): number {
    const costUs = toInterval(amount, perSecond);
    const slot = costUs === undefined ? undefined : this.#find(id);
    if (slot === undefined || costUs === undefined) return 1_000;
    const cell = slot.number * this.#slotCells + cellOf[kind];
    for (;;) {
      const { paidUs, fromUs, nowUs } = this.#look(cell);
      if (Atomics.compareExchange(this.#cells, cell, paidUs, fromUs + costUs) !== paidUs) continue;
      const excessUs = fromUs + costUs - nowUs - burstUs;
      return excessUs > 0n ? toMs(excessUs) : 0;
    }
  }

  /**
   * Counts a connection of this worker, unless there are as many in all.
   * @returns what takes it back; undefined when it was refused
   */
  connect(id: string, maxConnections: number): (() => void) | undefined {
    for (;;) {
      const slot = this.#find(id);
      if (slot === undefined) return undefined;
      const count = this.#countOf(slot.number, this.#own);
      Atomics.add(this.#counts, count, 1);
      if (Atomics.load(this.#cells, slot.number * this.#slotCells) !== slot.hash) {
        // It became another's in between.
        Atomics.sub(this.#counts, count, 1);
        continue;
      }
      if (this.#connectionCount(slot.number) <= maxConnections) return () => Atomics.sub(this.#counts, count, 1);
      Atomics.sub(this.#counts, count, 1);
      return undefined;
    }
  }

  /** Until when what was let through is paid for; not before now. */
  #look(cell: number): { paidUs: bigint; fromUs: bigint; nowUs: bigint } {
    const nowUs = this.#nowUs();
    const paidUs = Atomics.load(this.#cells, cell);
    const isOver = paidUs <= nowUs || paidUs > nowUs + longestDebtUs;
    return { paidUs, fromUs: isOver ? nowUs : paidUs, nowUs };
  }

  /**
   * The slot of an id. One that has none takes an idle one or, when all it may have are in use, that of who owes least: he
   * is forgiven a second's worth. Undefined when all of them hold connections.
   */
  #find(id: string): RateSlot | undefined {
    const hash = hashOf(id);
    const first = Number(BigInt.asUintN(32, hash)) % slotCount;
    for (;;) {
      let best: (RateSlot & { readonly owedUs: bigint }) | undefined;
      for (let way = 0; way < ways; way++) {
        const number = (first + way) % slotCount;
        const found = Atomics.load(this.#cells, number * this.#slotCells);
        if (found === hash) return { hash, number };
        if (best?.owedUs === 0n || this.#connectionCount(number) > 0) continue;
        const owedUs = this.#owedUs(number);
        if (best === undefined || owedUs < best.owedUs) best = { hash: found, number, owedUs };
      }
      if (best === undefined) return undefined;
      const cell = best.number * this.#slotCells;
      if (Atomics.compareExchange(this.#cells, cell, best.hash, hash) !== best.hash) continue;
      for (const kind of Object.values(cellOf)) Atomics.store(this.#cells, cell + kind, 0n);
      return { hash, number: best.number };
    }
  }

  /** How far ahead of now the rates of a slot are; 0 when nothing is lost with it. */
  #owedUs(slot: number): bigint {
    let most = 0n;
    for (const kind of Object.values(cellOf)) {
      const { fromUs, nowUs } = this.#look(slot * this.#slotCells + kind);
      if (fromUs - nowUs > most) most = fromUs - nowUs;
    }
    return most;
  }

  #connectionCount(slot: number): number {
    let sum = 0;
    for (let worker = 0; worker < this.#options.workerCount; worker++)
      sum += Atomics.load(this.#counts, this.#countOf(slot, worker));
    return sum;
  }

  get #own(): number {
    return this.#options.workerIndex;
  }

  #countOf(slot: number, worker: number): number {
    return (slot * this.#slotCells + headCells) * 2 + worker;
  }

  #nowUs(): bigint {
    return BigInt(Math.round(this.#options.nowMs() * 1_000));
  }
}

function slotBytes(workerCount: number): number {
  return (headCells + Math.ceil(workerCount / 2)) * cellBytes;
}

/** What so many cost at a rate, microseconds; undefined when the rate is 0. */
function toInterval(amount: number, perSecond: number): bigint | undefined {
  return perSecond > 0 ? BigInt(Math.max(1, Math.floor((amount * 1_000_000) / perSecond))) : undefined;
}

function toMs(us: bigint): number {
  return Math.ceil(Number(us) / 1_000);
}

function hashOf(id: string): bigint {
  return BigInt.asIntN(64, Bun.hash.xxHash64(id)) || 1n;
}
