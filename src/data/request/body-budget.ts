import { S3Error } from "#kernel/s3/s3-error.ts";

/**
 * Bytes a worker holds at most for bodies that are gathered in memory: inline objects until their commit, documents until
 * they are answered, and answers that their clients have not taken yet.
 */
export const maxGatheredBytes = 64 * 2 ** 20;
/** Bodies that may wait for room at once; each keeps the piece it has received, half a mebibyte at most. */
export const maxWaitingBodies = 64;
/** What one holder may have of the room, and of the places in its line: the rest is there for all others. */
const defaultShare = 3 / 4;
/** Longest wait for room. Longer than it takes to cut a slow client that others wait for. */
const maxWaitMs = 10_000;

interface BudgetOptions {
  /** Longest wait for room, milliseconds. */
  readonly waitMs?: number;
  /** What one holder gets of the room and of the line at most, up to 1; three quarters when absent. */
  readonly share?: number;
}

interface Waiting {
  readonly bytes: number;
  readonly holder: string;
  readonly begin: () => void;
}

/**
 * What a worker may gather in memory over all its requests. Bodies count as they arrive, so a client that announces much
 * and sends nothing takes nothing from others. What finds no room waits in line, for a bounded time. A holder, such as a
 * tenant, gets its share at most: whatever its clients do, others find room.
 */
export class BodyBudget {
  readonly #limitBytes: number;
  readonly #share: number;
  readonly #maxWaitMs: number;
  readonly #line: Waiting[] = [];
  /** Bytes of each holder that has any. */
  readonly #held = new Map<string, number>();
  #usedBytes = 0;
  #leftLineCount = 0;

  constructor(limitBytes: number, { waitMs = maxWaitMs, share = defaultShare }: BudgetOptions = {}) {
    this.#limitBytes = limitBytes;
    this.#share = share;
    this.#maxWaitMs = waitMs;
  }

  /**
   * Takes bytes, at once when there is room.
   * @returns undefined, or a promise of the moment they are taken
   * @throws S3Error SlowDown, also as rejection: more than the holder can have, too many wait, waited too long. Nothing is taken then
   */
  take(bytes: number, holder: string): Promise<void> | undefined {
    if (this.#usedBytes + bytes <= this.#limitBytes && this.#hasShare(bytes, holder) && !this.#isBehind(holder)) {
      this.#add(bytes, holder);
      return undefined;
    }
    if (bytes > this.#limitBytes * this.#share || !this.#hasPlace(holder)) throw new S3Error("SlowDown");
    return this.#wait(bytes, holder);
  }

  /** @throws S3Error SlowDown when this many bytes would have to wait */
  requireRoom(bytes: number, holder: string): void {
    if (this.#usedBytes + bytes > this.#limitBytes || !this.#hasShare(bytes, holder)) throw new S3Error("SlowDown");
  }

  /** Gives back what was taken. Below zero, counts what is there already, room or not. */
  give(bytes: number, holder: string): void {
    this.#add(-bytes, holder);
    if (this.#line.length > 0) this.#serveLine();
  }

  /** Bytes taken and not given back. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Who waits: how many, and how many have left the line, served or not. */
  get line(): { readonly waitingCount: number; readonly servedCount: number } {
    return { waitingCount: this.#line.length, servedCount: this.#leftLineCount };
  }

  #add(bytes: number, holder: string): void {
    this.#usedBytes += bytes;
    const held = (this.#held.get(holder) ?? 0) + bytes;
    if (held === 0) this.#held.delete(holder);
    else this.#held.set(holder, held);
  }

  #hasShare(bytes: number, holder: string): boolean {
    return (this.#held.get(holder) ?? 0) + bytes <= this.#limitBytes * this.#share;
  }

  /** Whether somebody waits who comes first: for room, or for the same holder's share. */
  #isBehind(holder: string): boolean {
    return this.#line.some((each) => each.holder === holder || this.#hasShare(each.bytes, each.holder));
  }

  #hasPlace(holder: string): boolean {
    const ownCount = this.#line.filter((each) => each.holder === holder).length;
    return this.#line.length < maxWaitingBodies && ownCount < maxWaitingBodies * this.#share;
  }

  #wait(bytes: number, holder: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#line.splice(this.#line.indexOf(waiting), 1);
        this.#leftLineCount += 1;
        reject(new S3Error("SlowDown"));
        this.#serveLine();
      }, this.#maxWaitMs);
      const waiting: Waiting = {
        bytes,
        holder,
        begin: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.#line.push(waiting);
    });
  }

  /**
   * In the order they came: one that needs much is not overtaken for ever by those that need little. Who waits for the share
   * of his own holder keeps nobody else waiting.
   */
  #serveLine(): void {
    const full = new Set<string>();
    for (const waiting of [...this.#line]) {
      const { bytes, holder } = waiting;
      if (!this.#hasShare(bytes, holder)) full.add(holder);
      if (full.has(holder)) continue;
      if (this.#usedBytes + bytes > this.#limitBytes) return;
      this.#line.splice(this.#line.indexOf(waiting), 1);
      this.#leftLineCount += 1;
      this.#add(bytes, holder);
      waiting.begin();
    }
  }
}
