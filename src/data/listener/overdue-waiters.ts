/** Who waits in a line where the first to come is the first served. */
export interface WaitingLine {
  readonly waitingCount: number;
  /** All who waited and were served since the line was opened. */
  readonly servedCount: number;
}

/** Looks, one second apart, that a wait may last. */
const patientLooks = 5;

/** Tells how many have waited in a line for longer than five seconds, from one look at it a second. */
export class OverdueWaiters {
  readonly #line: () => WaitingLine;
  /** Number of the last in line at each of the last looks, oldest first. */
  readonly #tails: number[] = [];

  constructor(line: () => WaitingLine) {
    this.#line = line;
  }

  /** To be called once a second. */
  look(): number {
    const { waitingCount, servedCount } = this.#line();
    const tail = this.#tails.length === patientLooks ? (this.#tails.shift() ?? 0) : 0;
    this.#tails.push(servedCount + waitingCount);
    return Math.max(0, tail - servedCount);
  }
}
