import { statfs } from "node:fs";
import type { DiskState } from "#kernel/metrics/disk-state.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";

const checkIntervalMs = 1_000;
/** Free space beyond the reserve that must be there again before writes are accepted. */
const recoveryBytes = 2 ** 30;

/** Who is told of the disk. */
export interface DiskListener {
  /** After each look. */
  onLook?(state: DiskState): void;
  /** When writes begin to be refused and when they are accepted again. @param resumeBytes free bytes at which they are */
  onChange?(state: DiskState, resumeBytes: number): void;
}

/**
 * Watches the free space of the data folder. Below the reserve new bytes are refused while reads and deletes go on; writes
 * are accepted again by themselves when there is room.
 */
export class DiskSpace {
  readonly #path: string;
  readonly #reserveBytes: () => number;
  readonly #listener: DiskListener;
  #full = false;
  /** Free bytes above the reserve at the last check. */
  #roomBytes = Number.MAX_SAFE_INTEGER;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param reserveBytes bytes to keep free, read at each check
   */
  constructor(path: string, reserveBytes: () => number, listener: DiskListener = {}) {
    this.#path = path;
    this.#reserveBytes = reserveBytes;
    this.#listener = listener;
  }

  /** Checks now and then every second. */
  async start(): Promise<void> {
    await this.#check();
    this.#timer = setInterval(() => void this.#check(), checkIntervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * @param wantedBytes announced size of what is to be written
   * @throws S3Error InsufficientStorage while the disk is below its reserve, or would be with these bytes
   */
  requireRoom(wantedBytes = 0): void {
    if (this.#full || wantedBytes > this.#roomBytes) throw new S3Error("InsufficientStorage");
  }

  #check(): Promise<void> {
    return new Promise((resolve) => {
      statfs(this.#path, (error, found) => {
        if (!error) this.#judge(found.bavail * found.bsize, found.blocks * found.bsize);
        resolve();
      });
    });
  }

  #judge(freeBytes: number, totalBytes: number): void {
    const reserve = Math.min(this.#reserveBytes(), totalBytes / 2);
    const resumeBytes = reserve + Math.min(recoveryBytes, reserve / 2);
    const wasFull = this.#full;
    this.#roomBytes = Math.max(0, freeBytes - reserve);
    if (freeBytes < reserve) this.#full = true;
    else if (wasFull && freeBytes >= resumeBytes) this.#full = false;
    const state = { totalBytes, freeBytes, reserveBytes: reserve, refusesWrites: this.#full };
    this.#listener.onLook?.(state);
    if (this.#full !== wasFull) this.#listener.onChange?.(state, resumeBytes);
  }
}
