import { statfs } from "node:fs";
import { S3Error } from "#kernel/s3/s3-error.ts";

const checkIntervalMs = 1_000;
/** Free space beyond the reserve that must be there again before writes are accepted. */
const recoveryBytes = 2 ** 30;

/**
 * Watches the free space of the data folder. Below the reserve new bytes are refused while reads and deletes go on; writes
 * are accepted again by themselves when there is room.
 */
export class DiskSpace {
  readonly #path: string;
  readonly #reserveBytes: () => number;
  #full = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param reserveBytes bytes to keep free, read at each check */
  constructor(path: string, reserveBytes: () => number) {
    this.#path = path;
    this.#reserveBytes = reserveBytes;
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

  /** @throws S3Error InsufficientStorage while the disk is below its reserve */
  requireRoom(): void {
    if (this.#full) throw new S3Error("InsufficientStorage");
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
    if (freeBytes < reserve) this.#full = true;
    else if (this.#full && freeBytes >= reserve + Math.min(recoveryBytes, reserve / 2)) this.#full = false;
  }
}
