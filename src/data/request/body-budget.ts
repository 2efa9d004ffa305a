import { S3Error } from "#kernel/s3/s3-error.ts";

/**
 * Bytes a worker holds at most for bodies that are gathered in memory: inline objects until their commit, documents until
 * they are answered, and answers that their clients have not taken yet.
 */
export const maxGatheredBytes = 64 * 2 ** 20;
/** Bodies that may wait for room at once; each keeps the piece it has received, half a mebibyte at most. */
export const maxWaitingBodies = 64;
/** Longest wait for room. Longer than it takes to cut a slow client that others wait for. */
const maxWaitMs = 10_000;

interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

/**
 * What a worker may gather in memory over all its requests. Bodies count as they arrive, so a client that announces much
 * and sends nothing takes nothing from others. What finds no room waits in line, for a bounded time.
 */
export class BodyBudget {
  readonly #limitBytes: number;
  readonly #maxWaitMs: number;
  readonly #line: Waiting[] = [];
  #usedBytes = 0;
  #leftLineCount = 0;

  /** @param waitMs longest wait for room, milliseconds */
  constructor(limitBytes: number, waitMs: number = maxWaitMs) {
    this.#limitBytes = limitBytes;
    this.#maxWaitMs = waitMs;
  }

  /**
   * Takes bytes, at once when there is room.
   * @returns undefined, or a promise of the moment they are taken
   * @throws S3Error SlowDown, also as rejection: more than there can be, too many wait, waited too long. Nothing is taken then
   */
  take(bytes: number): Promise<void> | undefined {
    if (this.#line.length === 0 && this.#usedBytes + bytes <= this.#limitBytes) {
      this.#usedBytes += bytes;
      return undefined;
    }
    if (bytes > this.#limitBytes || this.#line.length >= maxWaitingBodies) throw new S3Error("SlowDown");
    return this.#wait(bytes);
  }

  /** @throws S3Error SlowDown when this many bytes would have to wait */
  requireRoom(bytes: number): void {
    if (this.#usedBytes + bytes > this.#limitBytes) throw new S3Error("SlowDown");
  }

  /** Gives back what was taken. Below zero, counts what is there already, room or not. */
  give(bytes: number): void {
    this.#usedBytes -= bytes;
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

  #wait(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#line.splice(this.#line.indexOf(waiting), 1);
        this.#leftLineCount += 1;
        reject(new S3Error("SlowDown"));
        this.#serveLine();
      }, this.#maxWaitMs);
      const waiting: Waiting = {
        bytes,
        begin: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.#line.push(waiting);
    });
  }

  /** In the order they came: one that needs much is not overtaken for ever by those that need little. */
  #serveLine(): void {
    for (;;) {
      const first = this.#line[0];
      if (!first || this.#usedBytes + first.bytes > this.#limitBytes) return;
      this.#line.shift();
      this.#leftLineCount += 1;
      this.#usedBytes += first.bytes;
      first.begin();
    }
  }
}
