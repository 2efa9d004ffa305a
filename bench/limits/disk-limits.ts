import { closeSync, fdatasyncSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

const recordBytes = 4096;
const blockBytes = 1024 * 1024;

/** Speed of plain sequential file access, in bytes per second. */
export interface SequentialRates {
  /** 1 MiB writes to a new file, one fdatasync at the end included. */
  readonly writeBytesPerSecond: number;
  /** 1 MiB reads of the same file out of the page cache. */
  readonly readBytesPerSecond: number;
}

/**
 * Appends of 4 KiB, each followed by fdatasync, per second: the fastest a lone durable write can be without sharing.
 * @param folder on the disk under test
 * @param durationMs how long to measure
 */
export function measureAppendsPerSecond(folder: string, durationMs: number): number {
  const path = join(folder, "append.bin");
  const record = Buffer.alloc(recordBytes, 0x5a);
  const file = openSync(path, "w");
  try {
    const start = performance.now();
    let count = 0;
    let elapsedMs = 0;
    while (elapsedMs < durationMs) {
      writeSync(file, record);
      fdatasyncSync(file);
      count += 1;
      elapsedMs = performance.now() - start;
    }
    return (count * 1000) / elapsedMs;
  } finally {
    closeSync(file);
    unlinkSync(path);
  }
}

/**
 * Writes and reads one file of `sizeBytes` (whole MiB).
 * @param folder on the disk under test; needs `sizeBytes` of room
 */
export function measureSequential(folder: string, sizeBytes: number): SequentialRates {
  const path = join(folder, "sequential.bin");
  const block = Buffer.alloc(blockBytes);
  for (let at = 0; at < blockBytes; at += 8) block.writeDoubleLE(Math.random(), at);
  const file = openSync(path, "w+");
  try {
    const writeStart = performance.now();
    for (let at = 0; at < sizeBytes; at += blockBytes) writeSync(file, block, 0, blockBytes, at);
    fdatasyncSync(file);
    const writeMs = performance.now() - writeStart;
    const readStart = performance.now();
    for (let at = 0; at < sizeBytes; at += blockBytes) readSync(file, block, 0, blockBytes, at);
    const readMs = performance.now() - readStart;
    return { writeBytesPerSecond: (sizeBytes * 1000) / writeMs, readBytesPerSecond: (sizeBytes * 1000) / readMs };
  } finally {
    closeSync(file);
    unlinkSync(path);
  }
}
