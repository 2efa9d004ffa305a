import { constants, unlinkSync } from "node:fs";
import { open, stat, statfs, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { randomBytes } from "#kernel/base/random.ts";

const maxBallastBytes = 256 * 2 ** 20;
const stepBytes = 4 * 2 ** 20;
/** Share of the disk, and of the reserve, it takes at most. */
const diskShare = 0.01;
const reserveShare = 1 / 8;
/** Nothing is written in the first seconds: a start is busy enough, and many are short. */
const firstStepMs = 30_000;
const stepIntervalMs = 250;
/** How often a finished or waiting ballast looks at the disk. */
const idleIntervalMs = 10_000;

/** Free and total bytes of a disk. */
export interface DiskRoom {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** What a ballast needs. */
export interface BallastOptions {
  /** Path of its file. */
  readonly path: string;
  /** The disk's reserve as set, bytes; 0: no ballast. */
  readonly reserveBytes: number;
  readonly warn: (message: string, fields: Record<string, string | number | boolean>) => void;
  /** Asks the disk; replaced by tests. */
  readonly measure?: () => Promise<DiskRoom>;
}

/**
 * A file that takes up room so that it can be given up: when the disk is so full that not even a delete can be committed,
 * it is removed and the delete succeeds. It is written in the background, in small synced steps of random bytes (a hole, or
 * bytes a file system compresses, would keep nothing free), and again when the disk has room beyond its reserve.
 */
export class Ballast {
  readonly #options: BallastOptions;
  #reserveBytes: number;
  /** Bytes the file has; undefined before it was looked at: an earlier life may have left one. */
  #heldBytes: number | undefined;
  /** Rises when the file is removed: a step under way must not count what it wrote. */
  #life = 0;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: BallastOptions) {
    this.#options = options;
    this.#reserveBytes = options.reserveBytes;
  }

  /** Begins to write it, later and in the background. */
  start(): void {
    this.#schedule(firstStepMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** A changed setting takes effect with the next step. */
  set reserveBytes(value: number) {
    this.#reserveBytes = value;
  }

  /** Removes the file. @returns true when it held room */
  giveUp(): boolean {
    if (this.#heldBytes === 0) return false;
    this.#forget();
    try {
      unlinkSync(this.#options.path);
    } catch {
      return false;
    }
    this.#options.warn("The disk is full: the room kept for deletes was given up", {});
    return true;
  }

  /**
   * One step towards the size it should have: 4 MiB more, or what is too much less.
   * @returns true when another step should follow soon
   */
  async step(): Promise<boolean> {
    const life = this.#life;
    const { path } = this.#options;
    const { freeBytes, totalBytes } = await (this.#options.measure ?? (() => measureDisk(path)))();
    const reserve = Math.min(this.#reserveBytes, totalBytes / 2);
    const wanted = wantedBytes(reserve, totalBytes);
    const held = this.#heldBytes ?? (await occupiedBytes(path));
    if (life !== this.#life) return false;
    this.#heldBytes = held;
    if (held > wanted) return this.#shrink(wanted);
    const missing = wanted - held;
    if (missing === 0 || freeBytes < reserve + missing) return false;
    await appendRandom(path, held, Math.min(stepBytes, missing));
    if (life === this.#life) this.#heldBytes = held + Math.min(stepBytes, missing);
    return missing > stepBytes;
  }

  async #shrink(wanted: number): Promise<boolean> {
    if (wanted === 0) {
      this.#forget();
      unlinkSync(this.#options.path);
    } else {
      this.#heldBytes = wanted;
      await truncate(this.#options.path, wanted);
    }
    return false;
  }

  #forget(): void {
    this.#heldBytes = 0;
    this.#life += 1;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#run(), delayMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    let more = false;
    try {
      more = await this.step();
    } catch {
      // A full or failing disk: what there is stays, and the next look comes with the idle interval.
      this.#heldBytes = undefined;
    }
    this.#schedule(more ? stepIntervalMs : idleIntervalMs);
  }
}

/** Bytes of the ballast on a disk: whole blocks of 4 KiB. */
function wantedBytes(reserveBytes: number, totalBytes: number): number {
  const bytes = Math.min(maxBallastBytes, totalBytes * diskShare, reserveBytes * reserveShare);
  return Math.floor(bytes / 4096) * 4096;
}

async function measureDisk(path: string): Promise<DiskRoom> {
  const found = await statfs(dirname(path));
  return { freeBytes: found.bavail * found.bsize, totalBytes: found.blocks * found.bsize };
}

/** Bytes of an earlier life's file that really occupy the disk; a sparse one is written again from its start. */
async function occupiedBytes(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return 0;
  return found.blocks * 512 >= found.size ? found.size : 0;
}

async function appendRandom(path: string, position: number, length: number): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    const bytes = randomBytes(length);
    for (let done = 0; done < length; )
      done += (await file.write(bytes, done, length - done, position + done)).bytesWritten;
    await file.datasync();
  } finally {
    await file.close();
  }
}
