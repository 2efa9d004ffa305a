import { statfs } from "node:fs";
import { S3Error } from "#kernel/s3/s3-error.ts";

const checkIntervalMs = 1_000;
/** Free space beyond the reserve that must be there again before writes are accepted. */
const recoveryBytes = 2 ** 30;

/** What an operator wants to know when writes begin or end to be refused. */
export interface DiskState {
  readonly full: boolean;
  readonly freeBytes: number;
  readonly reserveBytes: number;
  /** Free bytes at which writes are accepted again. */
  readonly resumeBytes: number;
}

/**
 * Watches the free space of the data folder. Below the reserve new bytes are refused while reads and deletes go on; writes
 * are accepted again by themselves when there is room.
 */
export class DiskSpace {
  readonly #path: string;
  readonly #reserveBytes: () => number;
  readonly #onChange: (state: DiskState) => void;
  #full = false;
  /** Free bytes above the reserve at the last check. */
  #roomBytes = Number.MAX_SAFE_INTEGER;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param reserveBytes bytes to keep free, read at each check
   * @param onChange told when writes begin to be refused and when they are accepted again
   */
  constructor(path: string, reserveBytes: () => number, onChange: (state: DiskState) => void = () => {}) {
    this.#path = path;
    this.#reserveBytes = reserveBytes;
    this.#onChange = onChange;
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
    if (this.#full !== wasFull) this.#onChange({ full: this.#full, freeBytes, reserveBytes: reserve, resumeBytes });
  }
}
